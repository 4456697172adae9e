/* Numbers of JSON as orjson reads them: integers of 64 bits, and the double that is nearest. */

#ifndef BRIDGE_READ_NUMBER_H
#define BRIDGE_READ_NUMBER_H

#include <Python.h>
#include <float.h>
#include <math.h>
#include <stdint.h>

enum {
    MOST_DIGITS = 19,   /* of a number below 2^64, whatever they are */
    INTEGER_DIGITS = 18, /* of one below 2^63 */
    MOST_EXACT = 22,    /* 10^22 is the last power of ten that a double holds */
};

static const double EXACT_POWERS[MOST_EXACT + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static inline int is_digit(char byte)
{
    return (unsigned char)(byte - '0') < 10;
}

#ifdef __SIZEOF_INT128__
/* The double nearest to number / 10^decimals; number is not 0, decimals at most 19: long division, nothing is lost. */
static inline double divided(uint64_t number, int decimals)
{
    uint64_t divisor = 1;
    for (int place = 0; place < decimals; place++)
        divisor *= 10;
    int lead = __builtin_clzll(number);
    unsigned __int128 all = (unsigned __int128)(number << lead) << 64, quotient = all / divisor;
    uint64_t high = (uint64_t)(quotient >> 64);
    int width = high ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)quotient); /* 64 at least */
    int drop = width - DBL_MANT_DIG;
    uint64_t top = (uint64_t)(quotient >> drop);
    unsigned __int128 low = quotient - ((unsigned __int128)top << drop), half = (unsigned __int128)1 << (drop - 1);
    if (low > half || (low == half && ((top & 1) || all != quotient * divisor)))
        top++;
    return ldexp((double)top, drop - 64 - lead);
}
#endif

/* What Python makes of the text up to `end`: any number at all, at some thousand instructions. */
static inline PyObject *read_slowly(const char *start, const char *end)
{
    char *stop;
    double value = PyOS_string_to_double(start, &stop, NULL);
    if (stop != end || !isfinite(value)) {
        PyErr_Clear();
        return NULL;
    }
    return PyFloat_FromDouble(value);
}

/* Adds the digits from `at` on to a number, and returns what is behind them. The number is of no use beyond 64 bits. */
static inline const char *past_digits(const char *at, uint64_t *number)
{
    uint64_t sum = *number;
    for (unsigned digit; (digit = (unsigned)(unsigned char)*at - '0') < 10; at++)
        sum = sum * 10 + digit;
    *number = sum;
    return at;
}

/* The number at *from, which is moved behind it; NULL without an error: left to orjson. A byte 0 follows the text. */
static inline PyObject *read_number(const char **from)
{
    int negative = **from == '-';
    const char *first = *from + negative;
    uint64_t number = 0;
    const char *at = past_digits(first, &number);
    Py_ssize_t digits = at - first, decimals = 0;
    if (digits == 0 || digits > INTEGER_DIGITS || (digits > 1 && *first == '0'))
        return NULL;
    if (*at != '.' && *at != 'e' && *at != 'E') {
        *from = at;
        return PyLong_FromLongLong(negative ? -(int64_t)number : (int64_t)number);
    }
    if (*at == '.') {
        const char *point = at + 1, *zero = point;
        if (number == 0)
            while (*zero == '0') /* zeros that lead are no digits of the number */
                zero++;
        digits = number ? digits : 0;
        at = past_digits(point, &number);
        digits += at - zero;
        decimals = at - point;
        if (decimals == 0)
            return NULL;
    }
    int simple = digits <= MOST_DIGITS && decimals <= MOST_DIGITS && FLT_EVAL_METHOD == 0;
    if (*at == 'e' || *at == 'E') {
        const char *power = at + (at[1] == '+' || at[1] == '-' ? 2 : 1);
        at = power;
        while (is_digit(*at))
            at++;
        if (at == power)
            return NULL;
        simple = 0;
    }
    const char *start = *from;
    *from = at;
    double value;
    if (simple && number <= (uint64_t)1 << DBL_MANT_DIG)
        value = (double)number / EXACT_POWERS[decimals];
#ifdef __SIZEOF_INT128__
    else if (simple)
        value = divided(number, (int)decimals);
#endif
    else
        return read_slowly(start, at);
    return PyFloat_FromDouble(negative ? -value : value);
}

#endif
