/* Names of fields, and short texts that stand with them: what was seen before is not made again. */

#ifndef BRIDGE_KNOWN_H
#define BRIDGE_KNOWN_H

#include <Python.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "read_text.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

enum {
    LONGEST = 64, /* bytes of what is remembered; orjson's own bound for names */
    NAMES = 1024, /* places for names: a power of two, as the next one */
    VALUES = 8,   /* texts that are remembered for each name */
    TRIES = 4,    /* places that one name may have */
    TIRED = 64,   /* texts of a name that were not seen before, one after the other: ids are not worth a look */
};

typedef struct Name {
    char bytes[LONGEST + 16]; /* and the quote behind them */
    Py_ssize_t length;
    unsigned mask;  /* a bit for each byte and for the quote, where they are 16 at most; else 0 */
    PyObject *text; /* the very object that orjson makes a key of: bridge/names.py */
    struct Name *next[2]; /* which followed it, the last one first */
    PyObject *values[VALUES];
    unsigned missed;
} Name;

static Name names[NAMES]; /* none is ever taken away: what is found stays as it is */
static PyObject *loads;   /* orjson's */

/* Of Celery's events (celery/events/event.py, celery/worker): there is room for these, whatever users send before. */
static const char *const CELERY[] = {
    "hostname",  "utcoffset", "pid",        "clock",      "timestamp", "type",       "uuid",     "name",     "args",
    "kwargs",    "root_id",   "parent_id",  "retries",    "eta",       "expires",    "queue",    "exchange", "routing_key",
    "result",    "runtime",   "exception",  "traceback",  "requeue",   "terminated", "signum",   "expired",  "freq",
    "active",    "processed", "loadavg",    "sw_ident",   "sw_ver",    "sw_sys",
};

/* orjson's own object for a name. */
static PyObject *made_name(const char *bytes, Py_ssize_t length)
{
    char object[LONGEST + sizeof "{\"\":0}"];
    int size = snprintf(object, sizeof object, "{\"%.*s\":0}", (int)length, bytes);
    PyObject *found = NULL, *name, *value, *text = PyBytes_FromStringAndSize(object, size);
    PyObject *parsed = text == NULL ? NULL : PyObject_CallOneArg(loads, text);
    Py_ssize_t place = 0;
    if (parsed != NULL && PyDict_Next(parsed, &place, &name, &value))
        found = Py_NewRef(name);
    Py_XDECREF(text);
    Py_XDECREF(parsed);
    return found;
}

/* The place of a name; NULL: there is no room for it, or an error is set. */
static Name *place_of(const char *bytes, Py_ssize_t length)
{
    uint32_t hash = (uint32_t)length;
    for (Py_ssize_t place = 0; place < length; place++)
        hash = hash * 31 + (unsigned char)bytes[place];
    for (uint32_t place = hash; place < hash + TRIES; place++) {
        Name *name = &names[place % NAMES];
        if (name->text == NULL) {
            PyObject *text = made_name(bytes, length);
            if (text == NULL || name->text != NULL) { /* taken meanwhile */
                Py_XDECREF(text);
                return NULL;
            }
            name->text = text;
            name->length = length;
            name->mask = length < 16 ? (2u << length) - 1 : 0;
            memcpy(name->bytes, bytes, (size_t)length);
            name->bytes[length] = '"';
        }
        if (name->length == length && memcmp(name->bytes, bytes, (size_t)length) == 0)
            return name;
    }
    return NULL;
}

/* Whether the name, and the quote behind it, is what is next. */
static ALWAYS_INLINE int begins(const char *bytes, const char *end, const Name *name)
{
#if defined(__SSE2__)
    if (name->mask && end - bytes >= 16) {
        __m128i next = _mm_loadu_si128((const __m128i *)bytes), known = _mm_loadu_si128((const __m128i *)name->bytes);
        return ((unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(next, known)) & name->mask) == name->mask;
    }
#endif
    return end - bytes > name->length && memcmp(bytes, name->bytes, (size_t)name->length + 1) == 0;
}

/* The name at the quote, which follows `before`, and in *from what is behind it; NULL: left to orjson. */
static ALWAYS_INLINE Name *read_name(const char **from, const char *end, Name *before)
{
    const char *bytes = *from + 1;
    for (int which = 0; which < 2; which++) {
        Name *name = before->next[which];
        if (name != NULL && begins(bytes, end, name)) {
            *from = bytes + name->length + 1;
            return name;
        }
    }
    const char *stop = plain_end(bytes, end);
    if (stop == end || *stop != '"' || stop == bytes || stop - bytes > LONGEST)
        return NULL;
    Name *name = place_of(bytes, stop - bytes);
    if (name == NULL)
        return NULL;
    *from = stop + 1;
    before->next[1] = before->next[0];
    before->next[0] = name;
    return name;
}

/* A text of ASCII: the one that was there before, or a new one. */
static PyObject *known_text(Name *name, const char *bytes, Py_ssize_t length)
{
    if (name->missed >= TIRED && ++name->missed % TIRED)
        return ascii_text(bytes, length);
    unsigned mixed = (unsigned)length + 3 * (unsigned char)bytes[length / 2] + 5 * (unsigned char)bytes[length - 1];
    PyObject **place = &name->values[mixed % VALUES], *value = *place;
    if (value != NULL && PyUnicode_GET_LENGTH(value) == length &&
        memcmp(PyUnicode_1BYTE_DATA(value), bytes, (size_t)length) == 0) {
        name->missed = 0;
        return Py_NewRef(value);
    }
    name->missed++;
    value = ascii_text(bytes, length);
    if (value != NULL)
        Py_XSETREF(*place, Py_NewRef(value));
    return value;
}

#endif
