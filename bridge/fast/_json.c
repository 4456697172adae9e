/*
 * JSON that is put together of pieces of JSON, and the names of an event's fields.
 * plain.py says what the functions do, and does it where nothing was compiled; tests/unit/fast compares the two.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "parts.h"

static PyObject *same_names(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2 || !PyDict_CheckExact(args[0]) || !PyTuple_CheckExact(args[1])) {
        PyErr_SetString(PyExc_TypeError, "same_names(dict, tuple)");
        return NULL;
    }
    Py_ssize_t place = 0, at = 0;
    PyObject *name, *value;
    if (PyDict_GET_SIZE(args[0]) != PyTuple_GET_SIZE(args[1]))
        Py_RETURN_FALSE;
    while (PyDict_Next(args[0], &at, &name, &value)) {
        PyObject *expected = PyTuple_GET_ITEM(args[1], place++);
        if (name == expected)
            continue;
        /* Plain text only: no other object's comparison may run, and change the dict, while it is walked through. */
        if (!PyUnicode_CheckExact(name) || !PyUnicode_CheckExact(expected) || PyUnicode_Compare(name, expected) != 0)
            return PyErr_Occurred() ? NULL : Py_NewRef(Py_False);
    }
    Py_RETURN_TRUE;
}

enum { MOST_PARTS = 8 };

static PyObject *joined(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    Part parts[MOST_PARTS];
    if (count > MOST_PARTS) {
        PyErr_SetString(PyExc_TypeError, "joined() takes 8 parts at most");
        return NULL;
    }
    for (Py_ssize_t place = 0; place < count; place++)
        if (!take(&parts[place], args[place]))
            return NULL;
    return together(parts, count);
}

static PyMethodDef FUNCTIONS[] = {
    {"same_names", (PyCFunction)(void (*)(void))same_names, METH_FASTCALL, NULL},
    {"joined", (PyCFunction)(void (*)(void))joined, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "bridge.fast._json", NULL, -1, FUNCTIONS};

PyMODINIT_FUNC PyInit__json(void)
{
    return PyModule_Create(&MODULE);
}
