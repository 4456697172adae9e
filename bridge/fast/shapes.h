/* Objects with the names of one that was made before: a copy of it, with what differs put in. */

#ifndef BRIDGE_SHAPES_H
#define BRIDGE_SHAPES_H

#include <Python.h>
#include <stdint.h>
#include <string.h>

#include "entries.h"
#include "known.h"

enum {
    MOST_MEMBERS = 32, /* of an object; Celery's have 19 at most */
    SHAPES = 256,      /* that are remembered: some for each type of event. A power of two */
};

/* Objects with these names, in this order. What `copied` holds is theirs. */
typedef struct {
    Py_ssize_t count;
    Name *names[MOST_MEMBERS];
    PyObject *values[MOST_MEMBERS];
    PyObject *copied;
} Shape;

static Shape shapes[SHAPES];
static int direct; /* whether values can be written without a look-up: entries.h */

/* Whether a value may be held by what is copied: a short text that many objects may have, or a constant. */
static int is_common(PyObject *value)
{
    return value == Py_None || PyBool_Check(value) || PyLong_CheckExact(value) ||
           (PyUnicode_CheckExact(value) && PyUnicode_GET_LENGTH(value) <= LONGEST);
}

/* Keep a copy of an object whose names differ. */
static void keep_shape(Shape *shape, Name *const *found, PyObject *const *values, Py_ssize_t count, PyObject *made)
{
    PyObject *copied = PyDict_Copy(made), *kept[MOST_MEMBERS];
    for (Py_ssize_t place = 0; place < count && copied != NULL; place++) {
        kept[place] = is_common(values[place]) ? values[place] : Py_None;
        if (kept[place] != values[place] && PyDict_SetItem(copied, found[place]->text, Py_None) < 0)
            Py_CLEAR(copied);
    }
    if (copied == NULL) {
        PyErr_Clear(); /* the object is made: this one would be for the next */
        return;
    }
    PyObject *before = shape->copied;
    memcpy(shape->names, found, (size_t)count * sizeof *found);
    memcpy(shape->values, kept, (size_t)count * sizeof *kept);
    shape->count = count;
    shape->copied = copied;
    Py_XDECREF(before);
}

/* Put in what differs from the values of what was copied; those are of constants and texts. */
static int put_values(PyObject *made, const Shape *shape, Name *const *found, PyObject *const *values, Py_ssize_t count)
{
    Entry *entries = direct ? entries_of(made, count) : NULL;
    for (Py_ssize_t place = 0; place < count; place++) {
        PyObject *value = values[place];
        if (value == shape->values[place])
            continue;
        /* A dict is told when it comes to hold what the collector has to look at. */
        if (entries != NULL && entries[place].name == found[place]->text && !PyType_IS_GC(Py_TYPE(value)))
            Py_SETREF(entries[place].value, Py_NewRef(value));
        else if (PyDict_SetItem(made, found[place]->text, value) < 0)
            return -1;
    }
    return 0;
}

static PyObject *made_object(Name *const *found, PyObject *const *values, Py_ssize_t count)
{
    uint32_t mixed = 0;
    for (Py_ssize_t place = 0; place < count; place++)
        mixed = mixed * 31 + (uint32_t)((uintptr_t)found[place] >> 3);
    Shape *shape = &shapes[mixed % SHAPES];
    PyObject *copied = shape->copied, *made;
    if (shape->count == count && memcmp(shape->names, found, (size_t)count * sizeof *found) == 0) {
        made = PyDict_Copy(Py_NewRef(copied));
        int same = shape->copied == copied; /* else garbage was collected, and this code ran meanwhile */
        Py_DECREF(copied);
        if (made != NULL && same && put_values(made, shape, found, values, count) == 0)
            return made;
        Py_XDECREF(made);
        if (PyErr_Occurred())
            return NULL;
    }
    made = PyDict_New();
    for (Py_ssize_t place = 0; place < count && made != NULL; place++)
        if (PyDict_SetItem(made, found[place]->text, values[place]) < 0)
            Py_CLEAR(made);
    if (made != NULL && PyDict_GET_SIZE(made) == count) /* no name is there twice */
        keep_shape(shape, found, values, count, made);
    return made;
}

#endif
