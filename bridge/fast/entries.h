/*
 * The values of a dict, in the order of its names, to be written without looking each name up: of a copy that nobody
 * else has seen yet. The look-ups are a third of what reading an event would take.
 *
 * Where they lie is no interface of Python's, but the same from 3.11 to 3.14 (Include/internal/pycore_dict.h). So it is
 * looked at whether they are there, with care before the first copy, by their names each time.
 */

#ifndef BRIDGE_ENTRIES_H
#define BRIDGE_ENTRIES_H

#include <Python.h>
#include <stdint.h>

typedef struct {
    PyObject *name, *value;
} Entry;

#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030F0000 && !defined(Py_GIL_DISABLED)

enum { ONLY_TEXTS = 1 }; /* kind of a dict all of whose names are texts: entries without their hashes */

typedef struct {
    Py_ssize_t references;
    uint8_t log2_places, log2_bytes, kind;
    uint32_t version;
    Py_ssize_t usable, entries;
    char places[];
} Keys;

/* The entries of a dict of so many; NULL: they are not where they are looked for. */
static inline Entry *entries_of(PyObject *dict, Py_ssize_t count)
{
    PyDictObject *whole = (PyDictObject *)dict;
    Keys *keys = (Keys *)whole->ma_keys;
    if (whole->ma_values != NULL || keys->kind != ONLY_TEXTS || keys->entries != count || keys->references != 1)
        return NULL;
    return (Entry *)(keys->places + ((size_t)1 << keys->log2_bytes));
}

#else

static inline Entry *entries_of(PyObject *dict, Py_ssize_t count)
{
    return NULL;
}

#endif

/* Whether what `entries_of` finds is what the dict holds. */
static inline int entries_are_there(PyObject *dict, Py_ssize_t count)
{
    Entry *entries = entries_of(dict, count);
    Py_ssize_t at = 0, place = 0;
    PyObject *name, *value;
    while (entries != NULL && PyDict_Next(dict, &at, &name, &value) && place < count) {
        if (entries[place].name != name || entries[place].value != value)
            return 0;
        place++;
    }
    return entries != NULL && place == count;
}

#endif
