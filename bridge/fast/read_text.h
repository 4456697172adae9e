/* Strings of JSON: where they end, and what they say. */

#ifndef BRIDGE_READ_TEXT_H
#define BRIDGE_READ_TEXT_H

#include <Python.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* A string's end, the start of an escape, or what is no ASCII or not allowed. */
static inline int is_special(unsigned char byte)
{
    return byte == '"' || byte == '\\' || byte < 0x20 || byte > 0x7F;
}

/* The first special byte from `at` on, or `end`. */
static inline const char *plain_end(const char *at, const char *end)
{
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), escape = _mm_set1_epi8('\\'), blank = _mm_set1_epi8(' ');
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        __m128i ends = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, escape));
        /* As signed numbers, whatever is beyond ASCII is less than a blank too. */
        int found = _mm_movemask_epi8(_mm_or_si128(ends, _mm_cmplt_epi8(bytes, blank)));
        if (found)
            return at + __builtin_ctz((unsigned)found);
    }
#endif
    while (at < end && !is_special((unsigned char)*at))
        at++;
    return at;
}

static inline PyObject *ascii_text(const char *start, Py_ssize_t length)
{
    PyObject *made = PyUnicode_New(length, 127);
    if (made != NULL)
        memcpy(PyUnicode_1BYTE_DATA(made), start, (size_t)length);
    return made;
}

/* The 4 digits of a \u escape; -1 where they are none. A byte 0 follows the text. */
static inline int unit(const char *at)
{
    int number = 0;
    for (int place = 0; place < 4; place++) {
        unsigned char byte = (unsigned char)at[place], letter = (unsigned char)((byte | 32) - 'a');
        if (byte >= '0' && byte <= '9')
            number = number * 16 + byte - '0';
        else if (letter < 6)
            number = number * 16 + letter + 10;
        else
            return -1;
    }
    return number;
}

static inline char *put_utf8(char *into, unsigned code)
{
    if (code < 0x80) {
        *into++ = (char)code;
        return into;
    }
    if (code < 0x800)
        *into++ = (char)(0xC0 | code >> 6);
    else {
        if (code < 0x10000)
            *into++ = (char)(0xE0 | code >> 12);
        else {
            *into++ = (char)(0xF0 | code >> 18);
            *into++ = (char)(0x80 | (code >> 12 & 63));
        }
        *into++ = (char)(0x80 | (code >> 6 & 63));
    }
    *into++ = (char)(0x80 | (code & 63));
    return into;
}

/* What an escape stands for, in UTF-8, which is never longer; NULL: left to orjson. *from, at the \, moves behind it. */
static inline char *put_escaped(char *into, const char **from)
{
    static const char marks[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *at = *from + 1;
    if (*at != 'u') {
        const char *found = *at ? strchr(marks, *at) : NULL;
        *from = at + 1;
        if (found == NULL)
            return NULL;
        *into++ = meant[found - marks];
        return into;
    }
    int code = unit(at + 1);
    at += 5;
    if (code >= 0xD800 && code < 0xDC00 && at[0] == '\\' && at[1] == 'u') {
        int low = unit(at + 2);
        if (low < 0xDC00 || low > 0xDFFF)
            return NULL;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        at += 6;
    } else if (code < 0 || (code >= 0xD800 && code < 0xE000)) {
        return NULL;
    }
    *from = at;
    return put_utf8(into, (unsigned)code);
}

/* From UTF-8; NULL without an error where it is none. */
static inline PyObject *decoded(const char *start, Py_ssize_t length)
{
    PyObject *made = PyUnicode_DecodeUTF8(start, length, NULL);
    if (made == NULL && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
        PyErr_Clear();
    return made;
}

/* A string with escapes, or not of ASCII: see `read_text`. */
static inline PyObject *read_marked(const char **from, const char *end)
{
    const char *start = *from, *at = start;
    int escaped = 0;
    while ((at = plain_end(at, end)) < end && *at != '"') {
        if ((unsigned char)*at < 0x20)
            return NULL;
        escaped |= *at == '\\';
        at += *at == '\\' && end - at > 1 ? 2 : 1;
    }
    if (at == end)
        return NULL;
    *from = at + 1;
    if (!escaped)
        return decoded(start, at - start);
    char *said = PyMem_Malloc((size_t)(at - start)), *into = said;
    if (said == NULL)
        return PyErr_NoMemory();
    const char *stop = at;
    for (at = start; at < stop && into != NULL;) {
        if (*at == '\\') {
            into = put_escaped(into, &at);
        } else {
            const char *next = memchr(at, '\\', (size_t)(stop - at));
            next = next == NULL ? stop : next;
            memcpy(into, at, (size_t)(next - at));
            into += next - at;
            at = next;
        }
    }
    PyObject *made = into == NULL ? NULL : decoded(said, into - said);
    PyMem_Free(said);
    return made;
}

#endif
