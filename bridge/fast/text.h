/* A JSON text that grows, and strings in it as orjson writes them. */

#ifndef BRIDGE_TEXT_H
#define BRIDGE_TEXT_H

#include <Python.h>
#include <stdint.h>
#include <string.h>

#include "block.h"

#if defined __GNUC__
#define ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE inline
#endif

enum {
    ON_STACK = 4096, /* bytes; Celery's records have 900 */
    ESCAPED = 6,     /* bytes of the longest escape of a character, \u001f; UTF-8 takes 4 */
    LONGEST = 1 << 28 /* characters of a string; what is longer is left to orjson, and no size overflows */
};

typedef struct {
    char *at, *end, *data; /* the next byte, behind the last one that there is room for, the first one */
    char first[ON_STACK];  /* not set to anything: that would take longer than the rest */
} Text;

static inline void begin(Text *text)
{
    text->at = text->data = text->first;
    text->end = text->first + ON_STACK;
}

static inline void done_with(Text *text)
{
    if (text->data != text->first)
        PyMem_Free(text->data);
}

static char *grown(Text *text, size_t more)
{
    size_t size = (size_t)(text->at - text->data), room = 2 * (size + more);
    char *data = PyMem_Realloc(text->data == text->first ? NULL : text->data, room);
    if (data == NULL)
        return NULL;
    if (text->data == text->first)
        memcpy(data, text->first, size);
    text->data = data;
    text->at = data + size;
    text->end = data + room;
    return text->at;
}

/* Where the next bytes go, with room for so many; NULL where memory is short. */
static inline char *room_for(Text *text, size_t more)
{
    return (size_t)(text->end - text->at) >= more ? text->at : grown(text, more);
}

/* Whether it went in. */
static inline int put(Text *text, const char *data, size_t size)
{
    char *at = room_for(text, size);
    if (at == NULL)
        return 0;
    memcpy(at, data, size);
    text->at = at + size;
    return 1;
}

/* Copies 16 ASCII characters or more. Two blocks that overlap reach the last ones. Not 0 when one needs an escape. */
static inline int copied_blocks(char *at, const unsigned char *from, size_t size)
{
    Block block = block_at(from + size - 16), found = special(block);
    memcpy(at + size - 16, &block, 16);
    for (size_t place = 0; place + 16 < size; place += 16) {
        block = block_at(from + place);
        memcpy(at + place, &block, 16);
        found = either(found, special(block));
    }
    return are(found);
}

/* The same of any number of them. */
static inline int copied(char *at, const unsigned char *from, size_t size)
{
    uint64_t first, last;
    if (size >= 16)
        return copied_blocks(at, from, size);
    if (size >= 8) {
        memcpy(&first, from, 8);
        memcpy(&last, from + size - 8, 8);
        memcpy(at, &first, 8);
        memcpy(at + size - 8, &last, 8);
    } else if (size >= 4) {
        uint32_t start, end;
        memcpy(&start, from, 4);
        memcpy(&end, from + size - 4, 4);
        memcpy(at, &start, 4);
        memcpy(at + size - 4, &end, 4);
        first = last = (uint64_t)start << 32 | end;
    } else {
        if (size == 0)
            return 0;
        unsigned char middle = from[size / 2], end = from[size - 1];
        first = last = 0x2020202020000000 | from[0] | (uint64_t)middle << 8 | (uint64_t)end << 16;
        at[0] = (char)from[0];
        at[size / 2] = (char)middle;
        at[size - 1] = (char)end;
    }
    return are(special(block_of(first, last)));
}

static char *put_escape(char *at, Py_UCS4 character)
{
    static const char hex[] = "0123456789abcdef", kinds[] = "btn?fr"; /* of 0x08 to 0x0d; 0x0b has none */
    *at++ = '\\';
    if (character >= ' ') {
        *at++ = (char)character;
    } else if (character >= 8 && character <= 13 && character != 11) {
        *at++ = kinds[character - 8];
    } else {
        memcpy(at, "u00", 3);
        at[3] = hex[character >> 4];
        at[4] = hex[character & 15];
        at += 5;
    }
    return at;
}

/* UTF-8 of a character from 0x80 on; NULL for half of a pair, which has none. */
static inline char *put_utf8(char *at, Py_UCS4 character)
{
    if (character < 0x800) {
        *at++ = (char)(0xC0 | character >> 6);
    } else {
        if (character < 0x10000) {
            if (character >= 0xD800 && character <= 0xDFFF)
                return NULL;
            *at++ = (char)(0xE0 | character >> 12);
        } else {
            *at++ = (char)(0xF0 | character >> 18);
            *at++ = (char)(0x80 | (character >> 12 & 0x3F));
        }
        *at++ = (char)(0x80 | (character >> 6 & 0x3F));
    }
    *at++ = (char)(0x80 | (character & 0x3F));
    return at;
}

/* Inline, and called with each kind as a constant: else every character would ask for it. */
static ALWAYS_INLINE char *put_each(char *at, int kind, const void *from, Py_ssize_t size)
{
    for (Py_ssize_t place = 0; place < size && at != NULL; place++) {
#if defined __SSE2__
        for (int plain = 16; kind == PyUnicode_1BYTE_KIND && plain == 16 && size - place > 16;) {
            Block block = block_at((const unsigned char *)from + place);
            memcpy(at, &block, 16);
            plain = __builtin_ctz((unsigned)are(either(block, special(block))) | 1 << 16); /* from 0x80 on: the high bit */
            at += plain;
            place += plain;
        }
#endif
        Py_UCS4 character = PyUnicode_READ(kind, from, place);
        if (character >= 0x80)
            at = put_utf8(at, character);
        else if (character >= ' ' && character != '"' && character != '\\')
            *at++ = (char)character;
        else
            at = put_escape(at, character);
    }
    return at;
}

/* A string that holds more than ASCII that needs no escape. */
static int put_carefully(Text *text, PyObject *string)
{
    Py_ssize_t size = PyUnicode_GET_LENGTH(string);
    const void *from = PyUnicode_DATA(string);
    char *at = room_for(text, ESCAPED * (size_t)size + 2);
    if (at == NULL)
        return 0;
    *at++ = '"';
    switch (PyUnicode_KIND(string)) {
    case PyUnicode_1BYTE_KIND:
        at = put_each(at, PyUnicode_1BYTE_KIND, from, size);
        break;
    case PyUnicode_2BYTE_KIND:
        at = put_each(at, PyUnicode_2BYTE_KIND, from, size);
        break;
    default:
        at = put_each(at, PyUnicode_4BYTE_KIND, from, size);
    }
    if (at == NULL)
        return 0;
    *at++ = '"';
    text->at = at;
    return 1;
}

static inline int is_ascii(PyObject *value)
{
    return PyUnicode_CheckExact(value) && PyUnicode_IS_COMPACT_ASCII(value) && PyUnicode_GET_LENGTH(value) < LONGEST;
}

static inline const unsigned char *ascii_of(PyObject *string)
{
    return (const unsigned char *)(((PyASCIIObject *)string) + 1);
}

/*
 * An exact str in quotes; whether it went in. A UTF-8 form that Python keeps with the string is not asked for: it would
 * make what the state holds larger.
 */
static inline int put_string(Text *text, PyObject *string)
{
    if (is_ascii(string)) {
        size_t size = (size_t)PyUnicode_GET_LENGTH(string);
        char *at = room_for(text, size + 2);
        if (at == NULL)
            return 0;
        at[0] = at[size + 1] = '"';
        if (!copied(at + 1, ascii_of(string), size)) {
            text->at = at + size + 2;
            return 1;
        }
    }
    return PyUnicode_IS_COMPACT(string) && PyUnicode_GET_LENGTH(string) < LONGEST && put_carefully(text, string);
}

#endif
