/*
 * A record's JSON, written at once from the fields of an event and what is known of its task.
 * plain.py says what `record` does, and does it where nothing was compiled; tests/unit/fast compares the two. What it is
 * not at ease with (other types than JSON has, numbers that are very large or small, half a surrogate pair) is left to
 * Python. No Python code runs while a dict is walked: it could change it.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#include "number.h"
#include "parts.h"
#include "text.h"

enum {
    DEEPEST = 16,      /* lists and objects in one another: events have none, or few */
    MOST_NULLABLE = 62 /* a bit each */
};

static int put_other(Text *text, PyObject *value, int depth);

/* 1; 0 where it is left to Python, and what was written so far is of no use. */
static inline int put_value(Text *text, PyObject *value, int depth)
{
    if (PyUnicode_CheckExact(value))
        return put_string(text, value);
    if (PyFloat_CheckExact(value))
        return put_double(text, PyFloat_AS_DOUBLE(value));
    if (PyLong_CheckExact(value))
        return put_integer(text, value);
    return put_other(text, value, depth);
}

/* What is not as usual in it: a name beyond ASCII or with an escape in it. */
static int put_other_pair(Text *text, char before, PyObject *name, PyObject *value, int depth)
{
    if (!PyUnicode_CheckExact(name) || !put(text, &before, 1))
        return 0;
    return put_string(text, name) && put(text, ":", 1) && put_value(text, value, depth);
}

/* A name and its value behind `before`, a comma or a brace. */
static inline int put_pair(Text *text, char before, PyObject *name, PyObject *value, int depth)
{
    if (!is_ascii(name))
        return put_other_pair(text, before, name, value, depth);
    size_t size = (size_t)PyUnicode_GET_LENGTH(name);
    char *at = room_for(text, size + 4);
    if (at == NULL)
        return 0;
    at[0] = before;
    at[1] = at[size + 2] = '"';
    at[size + 3] = ':';
    if (copied(at + 2, ascii_of(name), size))
        return put_other_pair(text, before, name, value, depth);
    text->at = at + size + 4;
    return put_value(text, value, depth);
}

static int put_object(Text *text, PyObject *object, int depth)
{
    PyObject *name, *value;
    char before = '{';
    for (Py_ssize_t at = 0; PyDict_Next(object, &at, &name, &value); before = ',')
        if (!put_pair(text, before, name, value, depth))
            return 0;
    return before == '{' ? put(text, "{}", 2) : put(text, "}", 1);
}

static int put_array(Text *text, PyObject *array, int depth)
{
    Py_ssize_t size = PySequence_Fast_GET_SIZE(array);
    for (Py_ssize_t place = 0; place < size; place++)
        if (!put(text, place ? "," : "[", 1) || !put_value(text, PySequence_Fast_GET_ITEM(array, place), depth))
            return 0;
    return size ? put(text, "]", 1) : put(text, "[]", 2);
}

/* What is no text and no number. */
static int put_other(Text *text, PyObject *value, int depth)
{
    if (value == Py_None)
        return put(text, "null", 4);
    if (value == Py_True)
        return put(text, "true", 4);
    if (value == Py_False)
        return put(text, "false", 5);
    if (depth == DEEPEST)
        return 0;
    if (PyDict_CheckExact(value))
        return put_object(text, value, depth + 1);
    if (PyList_CheckExact(value) || PyTuple_CheckExact(value))
        return put_array(text, value, depth + 1);
    return 0;
}

/* Whether two names are the same; no for some that are, beyond ASCII. Nobody else's comparison runs. */
static inline int same_name(PyObject *one, PyObject *other)
{
    if (one == other)
        return 1;
    if (!PyUnicode_CheckExact(one) || !PyUnicode_CheckExact(other) || !PyUnicode_IS_COMPACT_ASCII(one) ||
        !PyUnicode_IS_COMPACT_ASCII(other) || PyUnicode_GET_LENGTH(one) != PyUnicode_GET_LENGTH(other))
        return 0;
    return memcmp(((PyASCIIObject *)one) + 1, ((PyASCIIObject *)other) + 1, (size_t)PyUnicode_GET_LENGTH(one)) == 0;
}

static inline int is_type(PyObject *name)
{
    return PyUnicode_CheckExact(name) && PyUnicode_IS_COMPACT_ASCII(name) && PyUnicode_GET_LENGTH(name) == 4 &&
           memcmp(((PyASCIIObject *)name) + 1, "type", 4) == 0;
}

/* The bit of a name among those that may be null, or 0. */
static uint64_t null_bit(PyObject *name, PyObject *nullable)
{
    for (Py_ssize_t place = 0; place < PyTuple_GET_SIZE(nullable); place++)
        if (same_name(name, PyTuple_GET_ITEM(nullable, place)))
            return (uint64_t)1 << place;
    return 0;
}

/* Fields but `type` and nulls that are left out, which are told. */
static int put_own(Text *text, PyObject *own, PyObject *nullable, uint64_t *nulls)
{
    PyObject *name, *value;
    for (Py_ssize_t at = 0; PyDict_Next(own, &at, &name, &value);) {
        if (value == Py_None) {
            uint64_t bit = null_bit(name, nullable);
            *nulls |= bit;
            if (bit)
                continue;
        }
        if (!is_type(name) && !put_pair(text, ',', name, value, 0))
            return 0;
    }
    return 1;
}

/* Those of these names, in their order. */
static int put_named(Text *text, PyObject *fields, PyObject *names)
{
    for (Py_ssize_t place = 0; place < PyTuple_GET_SIZE(names); place++) {
        PyObject *name = PyTuple_GET_ITEM(names, place), *value = PyDict_GetItemWithError(fields, name);
        if (value == NULL || !put_pair(text, ',', name, value, 0))
            return 0;
    }
    return 1;
}

static int put_all(Text *text, PyObject *fields)
{
    PyObject *name, *value;
    for (Py_ssize_t at = 0; PyDict_Next(fields, &at, &name, &value);)
        if (!put_pair(text, ',', name, value, 0))
            return 0;
    return 1;
}

/* The start with the id, and three texts. */
static int put_head(Text *text, PyObject *const *texts)
{
    static const char start[] = "{\"event_id\":\"";
    Part parts[5] = {{start, sizeof start - 1}};
    Py_ssize_t size = parts[0].size;
    for (int place = 0; place < 4; place++) {
        if (!take(&parts[place + 1], texts[place]))
            return 0;
        size += parts[place + 1].size;
    }
    char *at = room_for(text, (size_t)size);
    if (at == NULL)
        return 0;
    copy_parts(at, parts, 5);
    text->at = at + size;
    return 1;
}

/* What `record` is given, and the nulls that it left out. */
typedef struct {
    PyObject *const *texts;
    PyObject *own, *names, *nullable, *skew, *known, *added, *tail;
    long long expected;
    uint64_t nulls;
} Record;

static inline int others_expected(const Record *record)
{
    return record->expected >= 0 && record->nulls != (uint64_t)record->expected;
}

static inline int put_bytes(Text *text, PyObject *bytes)
{
    return put(text, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
}

/* What was written is of use if it went in and these nulls were expected. */
static int put_record(Text *text, Record *record)
{
    if (!put_head(text, record->texts))
        return 0;
    if (!(record->names == Py_None ? put_own(text, record->own, record->nullable, &record->nulls)
                                   : put_named(text, record->own, record->names)))
        return 0;
    if (others_expected(record))
        return 1;
    if (PyBytes_GET_SIZE(record->skew) && !put_bytes(text, record->skew))
        return 0;
    if (!(record->added == Py_None ? put_all(text, record->known) : put_named(text, record->known, record->added)))
        return 0;
    return put_bytes(text, record->tail);
}

/* 1, or 0 with an error set. */
static int are_texts(PyObject *const *args)
{
    for (int place = 0; place < 4; place++)
        if (!PyUnicode_Check(args[place])) {
            PyErr_SetString(PyExc_TypeError, "the first four are texts");
            return 0;
        }
    return 1;
}

static inline int are_names(PyObject *value)
{
    return value == Py_None || PyTuple_CheckExact(value);
}

static PyObject *record(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    if (count != 12 || !PyDict_Check(args[4]) || !are_names(args[5]) || !PyTuple_CheckExact(args[6]) ||
        !PyLong_Check(args[7]) || !PyBytes_Check(args[8]) || !PyDict_Check(args[9]) || !are_names(args[10]) ||
        !PyBytes_Check(args[11])) {
        PyErr_SetString(PyExc_TypeError, "record(str, str, str, str, dict, tuple | None, tuple, int, bytes, dict, "
                                         "tuple | None, bytes)");
        return NULL;
    }
    if (!are_texts(args))
        return NULL;
    int overflow;
    Record given = {args,     args[4],  args[5],  args[6],
                    args[8],  args[9],  args[10], args[11],
                    PyLong_AsLongLongAndOverflow(args[7], &overflow), 0};
    if (overflow || !PyDict_CheckExact(args[4]) || !PyDict_CheckExact(args[9]) || PyTuple_GET_SIZE(args[6]) > MOST_NULLABLE)
        Py_RETURN_NONE;
    Text text;
    PyObject *made = NULL;
    begin(&text);
    if (!put_record(&text, &given))
        made = Py_NewRef(Py_None);
    else if (others_expected(&given))
        made = PyLong_FromUnsignedLongLong(given.nulls);
    else
        made = PyBytes_FromStringAndSize(text.data, text.at - text.data);
    done_with(&text);
    if (made == Py_None)
        PyErr_Clear(); /* Python meets the same, and says it */
    return made;
}

static PyMethodDef FUNCTIONS[] = {
    {"record", (PyCFunction)(void (*)(void))record, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "bridge.fast._record", NULL, -1, FUNCTIONS};

PyMODINIT_FUNC PyInit__record(void)
{
    return PyModule_Create(&MODULE);
}
