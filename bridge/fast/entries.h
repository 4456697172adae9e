/*
 * Names and values of a dict, in the order of its names, without a call or a look-up for each: to be read, or, in a copy
 * that nobody else has seen yet, to be written. That is a third of what reading an event would take.
 *
 * Where they lie is no interface of Python's, but the same from 3.11 to 3.14 (Include/internal/pycore_dict.h). So it is
 * looked at once, with care, whether they are there; and each time whether a dict is of the kind that has them there.
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

/* The entries of a dict of so many; NULL: it is of another kind. */
static inline Entry *entries_of(PyObject *dict, Py_ssize_t count)
{
    PyDictObject *whole = (PyDictObject *)dict;
    Keys *keys = (Keys *)whole->ma_keys;
    if (whole->ma_values != NULL || whole->ma_used != count || keys->kind != ONLY_TEXTS || keys->entries != count)
        return NULL;
    return (Entry *)(keys->places + ((size_t)1 << keys->log2_bytes));
}

#else

static inline Entry *entries_of(PyObject *dict, Py_ssize_t count)
{
    return NULL;
}

#endif

/* Whether what `entries_of` finds is what a dict holds: 1, 0, or -1 with an error set. For a module when it is made. */
static inline int entries_are_there(void)
{
    PyObject *dict = Py_BuildValue("{s:i,s:[],s:s}", "a", 5000, "bc", "def", "g"), *name, *value;
    Py_ssize_t at = 0, place = 0;
    if (dict == NULL)
        return -1;
    Entry *entries = entries_of(dict, 3);
    while (entries != NULL && PyDict_Next(dict, &at, &name, &value) && entries[place].name == name &&
           entries[place].value == value)
        place++;
    Py_DECREF(dict);
    return place == 3;
}

#endif
