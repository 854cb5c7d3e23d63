// The content security policy demands trusted types: an address becomes a script only here, and only
// one of this server.
interface ScriptPolicy {
  createScriptURL(address: string): unknown;
}
interface PolicyFactory {
  createPolicy(
    name: string,
    rules: { createScriptURL(address: string): string },
  ): ScriptPolicy;
}

const factory = (globalThis as unknown as { trustedTypes?: PolicyFactory }).trustedTypes;

function sameServer(address: string): string {
  if (new URL(address, location.href).origin !== location.origin)
    throw new TypeError(`a script of another server: ${address}`);
  return address;
}

const policy = factory?.createPolicy("chengmai-phone", { createScriptURL: sameServer });

/** For `new Worker` and the service worker: browsers without trusted types take the text itself. */
export const ownScript = (address: string): unknown =>
  policy ? policy.createScriptURL(address) : sameServer(address);
