/* Numbers in JSON as orjson writes them: a double has the fewest decimals that read back as the same. */

#ifndef BRIDGE_NUMBER_H
#define BRIDGE_NUMBER_H

#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "text.h"

enum { NUMBER_BYTES = 40 }; /* more than 64 bits or a double take: a sign, a point, 17 digits behind 5 noughts */

static const char PAIRS[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
                            "49505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697"
                            "9899";

/* Below 2^32, as nearly all are: half the instructions of 64 bits. */
static inline char *put_short(char *at, uint32_t number)
{
    if (number < 10) {
        *at = (char)('0' + number);
        return at + 1;
    }
    int digits = 2 + (number >= 100) + (number >= 1000) + (number >= 10000);
    if (number >= 100000)
        digits += 1 + (number >= 1000000) + (number >= 10000000) + (number >= 100000000) + (number >= 1000000000);
    char *end = at + digits;
    for (at = end; number >= 100; number /= 100)
        memcpy(at -= 2, PAIRS + 2 * (number % 100), 2);
    if (number >= 10)
        memcpy(at - 2, PAIRS + 2 * number, 2);
    else
        at[-1] = (char)('0' + number);
    return end;
}

static inline char *put_whole(char *at, uint64_t number)
{
    const uint32_t billion = 1000000000;
    if (number <= UINT32_MAX)
        return put_short(at, (uint32_t)number);
    at = put_whole(at, number / billion);
    uint32_t rest = (uint32_t)(number % billion);
    for (char *next = at + 9; next > at; rest /= 10)
        *--next = (char)('0' + rest % 10);
    return at + 9;
}

/*
 * The decimals of rest / 2^bits, which is not 0 and below 1; the other doubles around it are 2 / 2^bits away.
 *
 * Digit after digit (Steele and White, How to print floating-point numbers accurately, 1990), until what is written, or
 * the same with its last digit one higher, is nearer to the number than half of that. All of it is exact: instead of
 * times 10, `rest` is taken times 5 and has one bit less. That the double below a power of two is nearer by half need
 * not be asked: those that are written here have few enough decimals to be written whole.
 */
#define PUT_DECIMALS(name, Wide)                                                                                       \
    static inline char *name(char *at, Wide rest, int bits)                                                            \
    {                                                                                                                  \
        Wide error = 1, one;                                                                                           \
        for (;; at++) {                                                                                                \
            rest *= 5;                                                                                                 \
            error *= 5;                                                                                                \
            one = (Wide)1 << --bits;                                                                                   \
            *at = (char)('0' + (int)(rest >> bits));                                                                   \
            rest &= one - 1;                                                                                           \
            if (rest < error || rest + error > one)                                                                    \
                break;                                                                                                 \
        }                                                                                                              \
        int above = rest + error > one, below = rest < error, odd = *at & 1;                                           \
        if (above && (!below || 2 * rest > one || (2 * rest == one && odd)))                                           \
            ++*at;                                                                                                     \
        return at + 1;                                                                                                 \
    }

PUT_DECIMALS(put_decimals, uint64_t) /* for up to 62 bits */
#if defined __SIZEOF_INT128__
PUT_DECIMALS(put_small_decimals, unsigned __int128)
#endif

/* The bits of a double's mantissa, and how many of them are of its fraction, from -971 to 1074. */
static inline uint64_t mantissa_of(double number, int *bits)
{
    uint64_t mantissa;
    memcpy(&mantissa, &number, sizeof mantissa);
    *bits = 1075 - (int)(mantissa >> 52);
    return (mantissa & (((uint64_t)1 << 52) - 1)) | (uint64_t)1 << 52;
}

/* A number that is not negative; NULL where orjson writes an exponent, or the digits take more than 128 bits. */
static inline char *put_positive(char *at, double number)
{
    int bits;
    uint64_t mantissa = mantissa_of(number, &bits);
    if (number >= 0x1p-9 && number < 0x1p53) {
        uint64_t whole = mantissa >> bits, rest = mantissa - (whole << bits);
        at = put_whole(at, whole);
        *at++ = '.';
        if (rest)
            return put_decimals(at, 2 * rest, bits + 1);
        *at++ = '0';
        return at;
    }
#if defined __SIZEOF_INT128__
    if (number >= 1e-5 && number < 0x1p-9) {
        memcpy(at, "0.", 2);
        return put_small_decimals(at + 2, 2 * (unsigned __int128)mantissa, bits + 1);
    }
#endif
    if (number != 0)
        return NULL;
    memcpy(at, "0.0", 3);
    return at + 3;
}

/* Whether it went in. */
static int put_double(Text *text, double number)
{
    char *at = room_for(text, NUMBER_BYTES);
    if (at == NULL)
        return 0;
    if (signbit(number))
        *at++ = '-';
    at = put_positive(at, fabs(number));
    if (at == NULL)
        return 0;
    text->at = at;
    return 1;
}

/* Whether it has 63 bits and a sign. No error is set for what has more: making one could run others' code. */
static int put_integer(Text *text, PyObject *value)
{
    int overflow;
    int64_t number = PyLong_AsLongLongAndOverflow(value, &overflow);
    char *at = room_for(text, NUMBER_BYTES);
    if (overflow || at == NULL)
        return 0;
    if (number < 0)
        *at++ = '-';
    text->at = put_whole(at, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
    return 1;
}

#endif
