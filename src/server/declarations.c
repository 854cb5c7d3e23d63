/* What every route says of itself. A route that does not say what it touches does not come into the
 * world: the build runs `chengmai routes` after linking and fails with it, and a server looks again
 * before it listens. */
#include "policy/permissions.h"
#include "server/server_internal.h"

static const char *const touch_names[] = {
    [TOUCH_UNDECLARED] = "undeclared",
    [TOUCH_NOTHING] = "nothing",
    [TOUCH_AGGREGATES] = "aggregates",
    [TOUCH_REGISTER] = "register",
    [TOUCH_PERSONS] = "persons",
    [TOUCH_LOOPS] = "loops",
    [TOUCH_OWN] = "own",
    [TOUCH_SYSTEM] = "system",
};
static const char *const access_names[] = {[ROUTE_PUBLIC] = "public",
                                           [ROUTE_USER] = "user",
                                           [ROUTE_HOLDER] = "holder",
                                           [ROUTE_ANY] = "any"};

const char *route_fault(const struct route *route)
{
    bool by_user = route->access == ROUTE_USER || route->access == ROUTE_ANY;
    if (route->touches == TOUCH_UNDECLARED)
        return "it does not say what it touches";
    if (by_user && !route->permission)
        return "it names no permission";
    if (route->touches == TOUCH_PERSONS && by_user && !route->opens_identity &&
        route->method == HTTP_GET)
        return "it shows persons and asks for no purpose";
    if (route->opens_identity && route->touches == TOUCH_PERSONS && !route->fields)
        return "it opens identity and does not say which fields";
    if (route->about_person && !route->opens_identity)
        return "it is about a person and asks for no purpose";
    if (!route->handle && route->manner == ROUTE_PLAIN)
        return "nothing handles it";
    return NULL;
}

int run_routes(struct command_context *context, int argc, char **argv, struct error *err)
{
    int faults = 0;
    if (!command_arguments(&server_commands[COMMAND_ROUTES], argc, argv, 0, 0, err))
        return command_fail(err);
    for (size_t m = 0; m < module_count; m++)
        for (size_t r = 0; r < modules[m]->route_count; r++) {
            const struct route *route = &modules[m]->routes[r];
            const char *fault = route_fault(route);
            fprintf(context->out, "%s %s %s %s%s\n", method_names[route->method], route->path,
                    access_names[route->access], touch_names[route->touches],
                    route->opens_identity ? " purpose" : "");
            faults += fault != NULL;
            if (fault)
                fprintf(context->words, "error: %s, route %s %s, a declaration of it in %s\n",
                        fault, method_names[route->method], route->path, modules[m]->name);
        }
    return faults ? EXIT_FINDINGS : EXIT_DONE;
}
