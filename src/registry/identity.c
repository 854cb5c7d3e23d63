/* Identity checks: pure, with the fault named.
 * Sources: GB 11643-1999 (ISO 7064 MOD 11-2), GB 32100-2015 (mod 31), GA 36 plates. */
#include "registry/registry.h"

static bool fault(struct error *err, const char *field, const char *expected, const char *what)
{
    return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = field}, expected, "%s",
                     what);
}

/* ---- GB 11643 */

char identity_id_check_digit(const char digits[17])
{
    static const int weights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    for (int i = 0; i < 17; i++)
        sum += (digits[i] - '0') * weights[i];
    return "10X98765432"[sum % 11];
}

/* Whether the codes file names an area whose first `digits` digits are those of `code`. */
static bool area_code_known(const char *code, size_t digits)
{
    const struct embedded_file *file = embedded_find("src/registry/data/gbt2260_area_codes.csv");
    REQUIRE(file);
    const char *at = file->content.data, *end = at + file->content.length;
    while (at + digits < end) {
        if (memcmp(at, code, digits) == 0)
            return true;
        at = memchr(at, '\n', (size_t)(end - at));
        if (!at)
            return false;
        at++;
    }
    return false;
}

/* "YYYYMMDD" of the Gregorian calendar, from 1800 on: holders of the standard's own examples were
 * born before times that the clock knows. */
static bool is_calendar_date(const char digits[8])
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int value[8];
    for (int i = 0; i < 8; i++)
        value[i] = digits[i] - '0';
    int year = value[0] * 1000 + value[1] * 100 + value[2] * 10 + value[3];
    int month = value[4] * 10 + value[5], day = value[6] * 10 + value[7];
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return year >= 1800 && month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (month == 2 && leap);
}

bool identity_check_id_number(struct slice text, int32_t today, bool demo, char ret_normal[19],
                              const char **ret_warning, struct error *err)
{
    static const char field[] = "id_number";
    *ret_warning = NULL;
    if (text.length != 18)
        return fault(err, field, "18 characters", "wrong length");
    for (size_t i = 0; i < 17; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return fault(err, field, "17 digits, then a digit or X", "a character is not a digit");
    char check = text.data[17] == 'x' ? 'X' : text.data[17];
    char date[11] = {text.data[6], text.data[7], text.data[8], text.data[9], '-', text.data[10],
                     text.data[11], '-', text.data[12], text.data[13], '\0'};
    char last[TIME_TEXT_BYTES];
    if (!is_calendar_date(text.data + 6))
        return fault(err, field, "a calendar date in characters 7 to 14", "no such date");
    if (strcmp(date, time_format_date(today, last)) > 0)
        return fault(err, field, "a date that is not in the future", "born in the future");
    char expected[40];
    snprintf(expected, sizeof expected, "check character %c", identity_id_check_digit(text.data));
    if (check != identity_id_check_digit(text.data))
        return fault(err, field, expected, "the check character does not fit");
    bool synthetic = memcmp(text.data, "999", 3) == 0;
    if (synthetic && !demo)
        return fault(err, field, "a real area code",
                     "area codes 999xxx exist only in demo cities");
    if (!synthetic && !area_code_known(text.data, 2))
        return fault(err, field, "a province of GB/T 2260", "unknown province");
    if (!synthetic && !area_code_known(text.data, 6))
        *ret_warning = "unknown county under a known province (withdrawn codes stay valid)";
    memcpy(ret_normal, text.data, 17);
    ret_normal[17] = check;
    ret_normal[18] = '\0';
    return true;
}

/* ---- GB 32100 */

bool identity_check_credit_code(struct slice text, char ret_normal[19], struct error *err)
{
    static const char field[] = "credit_code", letters[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    static const int weights[17] = {1,  3,  9,  27, 19, 26, 16, 17, 20,
                                    29, 25, 13, 8,  24, 10, 30, 28};
    if (text.length != 18)
        return fault(err, field, "18 characters", "wrong length");
    int sum = 0;
    for (size_t i = 0; i < 18; i++) {
        char c = text.data[i];
        ret_normal[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        const char *found = strchr(letters, ret_normal[i]);
        if (!found || !*found)
            return fault(err, field, "digits and capitals without I, O, S, V, Z",
                         "a character is not allowed");
        if (i < 17)
            sum += (int)(found - letters) * weights[i];
    }
    ret_normal[18] = '\0';
    char wanted = letters[(31 - sum % 31) % 31], expected[40];
    snprintf(expected, sizeof expected, "check character %c", wanted);
    return ret_normal[17] == wanted ||
           fault(err, field, expected, "the check character does not fit");
}

/* ---- GA 36 */

bool identity_check_plate(struct slice text, char ret_normal[16], struct error *err)
{
    static const char field[] = "plate", provinces[] =
        "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";
    bool province = false;
    for (size_t i = 0; text.length >= 3 && i + 3 < sizeof provinces; i += 3)
        province |= memcmp(provinces + i, text.data, 3) == 0;
    if (!province)
        return fault(err, field, "a province character first", "no such province");
    size_t rest = text.length - 3;
    if (rest != 6 && rest != 7)
        return fault(err, field, "7 characters, 8 for new-energy vehicles", "wrong length");
    for (size_t i = 3; i < text.length; i++) {
        char c = text.data[i];
        c = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        bool letter = c >= 'A' && c <= 'Z' && c != 'I' && c != 'O';
        if (!letter && (i == 3 || c < '0' || c > '9'))
            return fault(err, field, "a letter, then letters without I, O or digits",
                         "a character is not allowed");
        ret_normal[i] = c;
    }
    memcpy(ret_normal, text.data, 3);
    ret_normal[text.length] = '\0';
    return true;
}

/* ---- Vehicle passes */

bool identity_check_vehicle_pass_number(struct slice text, struct error *err)
{
    static const char field[] = "pass_no";
    static const char expected[] = "six digits of an area (GB/T 2260), six of a serial number";
    if (text.length != 12)
        return fault(err, field, expected, "not 12 digits");
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return fault(err, field, expected, "a character is not a digit");
    if (!area_code_known(text.data, 2))
        return fault(err, field, "a province of GB/T 2260 first", "unknown province");
    return memcmp(text.data + 6, "000000", 6) != 0 ||
           fault(err, field, "a serial number from 000001", "the serial number is 0");
}

/* ---- Telephones */

bool identity_check_phone(struct slice text, char ret_normal[20], struct error *err)
{
    static const char expected[] = "11 digits beginning 13 to 19, or an area code and number";
    size_t count = 0;
    if (text.length > 3 && memcmp(text.data, "+86", 3) == 0)
        text = (struct slice){text.data + 3, text.length - 3};
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '-' || text.data[i] == ' ')
            continue;
        if (text.data[i] < '0' || text.data[i] > '9' || count == 12)
            return fault(err, "phone", expected, "not a telephone number");
        ret_normal[count++] = text.data[i];
    }
    ret_normal[count] = '\0';
    bool mobile = count == 11 && ret_normal[0] == '1' && ret_normal[1] >= '3';
    bool landline = count >= 10 && ret_normal[0] == '0';
    return mobile || landline || fault(err, "phone", expected, "not a telephone number");
}
