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

static PyObject *spliced(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    static const char start[] = "{\"event_id\":\"";
    Part parts[9] = {{start, sizeof start - 1}};
    if (count != 8 || !PyBytes_Check(args[4]) || !PyLong_Check(args[5]) ||
        !(args[6] == Py_None || PyBytes_Check(args[6])) || !PyBytes_Check(args[7])) {
        PyErr_SetString(PyExc_TypeError, "spliced(str, str, str, str, bytes, int, bytes | None, bytes)");
        return NULL;
    }
    for (int place = 0; place < 4; place++)
        if (!PyUnicode_Check(args[place])) {
            PyErr_SetString(PyExc_TypeError, "the first four are texts");
            return NULL;
        }
    Py_ssize_t cut = PyLong_AsSsize_t(args[5]);
    if (cut < 0)
        PyErr_Clear(); /* -1 for what is larger: refused below */
    for (int place = 0; place < 5; place++)
        if (!take(&parts[place + 1], args[place]))
            return NULL;
    Part *own = &parts[5], *comma = &parts[6], *added = &parts[7];
    *comma = *added = (Part){"", 0};
    if (args[6] != Py_None && !take(added, args[6]))
        return NULL;
    if (!take(&parts[8], args[7]))
        return NULL;
    if (cut < 0 || cut >= own->size || (args[6] != Py_None && added->size < 2)) {
        PyErr_SetString(PyExc_ValueError, "no JSON object");
        return NULL;
    }
    *own = (Part){own->data + 1, own->size - 1 - cut};
    if (args[6] != Py_None) {
        *comma = (Part){",", 1};
        *added = (Part){added->data + 1, added->size - 2};
    }
    return together(parts, 9);
}

static PyMethodDef FUNCTIONS[] = {
    {"same_names", (PyCFunction)(void (*)(void))same_names, METH_FASTCALL, NULL},
    {"joined", (PyCFunction)(void (*)(void))joined, METH_FASTCALL, NULL},
    {"spliced", (PyCFunction)(void (*)(void))spliced, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "bridge.fast._json", NULL, -1, FUNCTIONS};

PyMODINIT_FUNC PyInit__json(void)
{
    return PyModule_Create(&MODULE);
}
