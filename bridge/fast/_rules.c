/*
 * Whether an event surely keeps the rules of its schema: bridge/validate/rules.py says what each asks, and asks whoever
 * this says no to once more. Nothing is kept, and nothing but exact types is looked at, so that no other code runs.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#include "entries.h"

static int direct; /* whether fields can be read without a call for each: entries.h */

/* Kinds of rule; NULL_ONLY are those that only Python can ask. */
enum { ANYTHING, TEXT, WHOLE, NUMBER, TRUTH, NULL_ONLY };

#define EXACT 9007199254740992LL /* 2^53: integers up to here are the same as a double */

/* As `bridge.validate.rules.Rule.asked` packs it: of a text its length, of a number its value. */
typedef struct {
    int32_t kind, nullable;
    union {
        int64_t whole[2];
        double number[2];
    } bounds;
} Rule;

static int is_between(PyObject *value, const Rule *rule)
{
    int overflow;
    long long whole = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow)
        return 0;
    if (rule->kind == WHOLE)
        return rule->bounds.whole[0] <= whole && whole <= rule->bounds.whole[1];
    return -EXACT <= whole && whole <= EXACT && rule->bounds.number[0] <= (double)whole &&
           (double)whole <= rule->bounds.number[1];
}

static int keeps_one(PyObject *value, const Rule *rule)
{
    if (rule->kind == ANYTHING)
        return 1;
    if (value == Py_None)
        return rule->nullable;
    switch (rule->kind) {
    case TEXT: {
        if (!PyUnicode_CheckExact(value))
            return 0;
        Py_ssize_t length = PyUnicode_GET_LENGTH(value);
        return rule->bounds.whole[0] <= length && length <= rule->bounds.whole[1];
    }
    case NUMBER:
        if (PyFloat_CheckExact(value)) {
            double number = PyFloat_AS_DOUBLE(value);
            return rule->bounds.number[0] <= number && number <= rule->bounds.number[1];
        }
        /* fall through */
    case WHOLE:
        return PyLong_CheckExact(value) && is_between(value, rule);
    case TRUTH:
        return PyBool_Check(value);
    default:
        return 0;
    }
}

static PyObject *keeps(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    if (count != 3 || !PyDict_CheckExact(args[0]) || !PyTuple_CheckExact(args[1]) || !PyBytes_CheckExact(args[2]) ||
        PyBytes_GET_SIZE(args[2]) != PyTuple_GET_SIZE(args[1]) * (Py_ssize_t)sizeof(Rule)) {
        PyErr_SetString(PyExc_TypeError, "keeps(dict, tuple, bytes): 24 bytes for each name");
        return NULL;
    }
    PyObject *fields = args[0], *names = args[1];
    Py_ssize_t fields_count = PyTuple_GET_SIZE(names), at = 0;
    if (PyDict_GET_SIZE(fields) != fields_count)
        Py_RETURN_FALSE;
    const Entry *entries = direct ? entries_of(fields, fields_count) : NULL;
    for (Py_ssize_t place = 0; place < fields_count; place++) {
        Entry entry;
        if (entries != NULL)
            entry = entries[place];
        else if (!PyDict_Next(fields, &at, &entry.name, &entry.value))
            Py_RETURN_FALSE;
        Rule rule;
        memcpy(&rule, PyBytes_AS_STRING(args[2]) + place * (Py_ssize_t)sizeof rule, sizeof rule);
        /* By identity: equal names of events nearly always are one object (bridge/names.py). */
        if (entry.name != PyTuple_GET_ITEM(names, place) || !keeps_one(entry.value, &rule))
            Py_RETURN_FALSE;
    }
    Py_RETURN_TRUE;
}

static PyMethodDef FUNCTIONS[] = {
    {"keeps", (PyCFunction)(void (*)(void))keeps, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "bridge.fast._rules", NULL, -1, FUNCTIONS};

PyMODINIT_FUNC PyInit__rules(void)
{
    direct = entries_are_there();
    return direct < 0 ? NULL : PyModule_Create(&MODULE);
}
