/* Texts that become one. */

#ifndef BRIDGE_PARTS_H
#define BRIDGE_PARTS_H

#include <Python.h>
#include <string.h>

/* A part of a text to be: where it lies and how long it is. */
typedef struct {
    const char *data;
    Py_ssize_t size;
} Part;

/* 1, or 0 with an error set. The part is borrowed: it is there as long as the value. */
static inline int take(Part *part, PyObject *value)
{
    if (PyBytes_Check(value)) {
        part->data = PyBytes_AS_STRING(value);
        part->size = PyBytes_GET_SIZE(value);
        return 1;
    }
    if (PyUnicode_Check(value) && PyUnicode_IS_COMPACT_ASCII(value)) { /* nearly all: no call for these */
        part->data = (const char *)(((PyASCIIObject *)value) + 1);
        part->size = PyUnicode_GET_LENGTH(value);
        return 1;
    }
    if (PyUnicode_Check(value)) {
        part->data = PyUnicode_AsUTF8AndSize(value, &part->size);
        return part->data != NULL;
    }
    PyErr_Format(PyExc_TypeError, "text or bytes are wanted, not %.100s", Py_TYPE(value)->tp_name);
    return 0;
}

/* The parts, one behind the other, to where there is room for them. */
static inline void copy_parts(char *at, const Part *parts, Py_ssize_t count)
{
    for (Py_ssize_t place = 0; place < count; place++) {
        memcpy(at, parts[place].data, (size_t)parts[place].size);
        at += parts[place].size;
    }
}

/* The same as bytes. */
static inline PyObject *together(const Part *parts, Py_ssize_t count)
{
    Py_ssize_t size = 0;
    for (Py_ssize_t place = 0; place < count; place++) {
        if (parts[place].size > PY_SSIZE_T_MAX - size)
            return PyErr_NoMemory();
        size += parts[place].size;
    }
    PyObject *made = PyBytes_FromStringAndSize(NULL, size);
    if (made == NULL)
        return NULL;
    copy_parts(PyBytes_AS_STRING(made), parts, count);
    return made;
}

#endif
