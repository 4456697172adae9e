/*
 * The usual JSON of a broker message, as orjson reads it. Events of a type have the same names, and many of the same
 * values, one after the other: names and short texts that were seen before are not made again, and a dict is a copy of
 * one that was made before, with what differs put in. Whatever is unusual is left to orjson.
 *
 * What is remembered is bounded. The GIL is held all the time; but making a dict or a list may collect garbage, which
 * runs whatever code objects of others have for their end, this code too.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>

#include "known.h"
#include "read_number.h"
#include "shapes.h"
#include "read_text.h"

enum { MOST_DEPTH = 16 }; /* objects and lists in each other */

static Name start; /* before the first name of an object */

static PyObject *read_container(const char **from, const char *end, int depth);

static ALWAYS_INLINE const char *past_blanks(const char *at)
{
    if (*at == ' ') /* one, as Python writes them */
        at++;
    if ((unsigned char)*at <= ' ')
        while (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')
            at++;
    return at;
}

static ALWAYS_INLINE PyObject *read_text(const char **from, const char *end, Name *name)
{
    const char *bytes = *from + 1, *stop = plain_end(bytes, end);
    Py_ssize_t length = stop - bytes;
    *from = bytes;
    if (stop == end)
        return NULL;
    if (*stop != '"')
        return read_marked(from, end);
    *from = stop + 1;
    return name != NULL && length > 0 && length <= LONGEST ? known_text(name, bytes, length) : ascii_text(bytes, length);
}

static inline PyObject *read_word(const char **from, const char *word, size_t length, PyObject *value)
{
    if (strncmp(*from, word, length) != 0)
        return NULL;
    *from += length;
    return Py_NewRef(value);
}

/* NULL without an error: left to orjson. `name`: whose value it is, if it is one's. */
static ALWAYS_INLINE PyObject *read_value(const char **from, const char *end, Name *name, int depth)
{
    switch (**from) {
    case '"':
        return read_text(from, end, name);
    case 'n':
        return read_word(from, "null", 4, Py_None);
    case 't':
        return read_word(from, "true", 4, Py_True);
    case 'f':
        return read_word(from, "false", 5, Py_False);
    case '{':
    case '[':
        return depth < MOST_DEPTH ? read_container(from, end, depth + 1) : NULL;
    default:
        return read_number(from);
    }
}

static PyObject *read_list(const char **from, const char *end, int depth)
{
    PyObject *made = PyList_New(0);
    if (made == NULL)
        return NULL;
    const char *at = past_blanks(*from + 1);
    char mark = *at == ']' ? *at : ',';
    while (mark == ',') {
        PyObject *value = read_value(&at, end, NULL, depth);
        int failed = value == NULL || PyList_Append(made, value) < 0;
        Py_XDECREF(value);
        if (failed)
            break;
        at = past_blanks(at);
        mark = *at;
        if (mark == ',')
            at = past_blanks(at + 1);
    }
    *from = at + 1;
    if (mark != ']')
        Py_CLEAR(made);
    return made;
}

/* What stands from the first name on to the closing brace: 1; 0: left to orjson. */
static int read_members(const char **from, const char *end, int depth, Name **found, PyObject **values,
                        Py_ssize_t *count)
{
    const char *at = *from;
    for (Name *before = &start; *count < MOST_MEMBERS;) {
        Name *name = *at == '"' ? read_name(&at, end, before) : NULL;
        if (name == NULL)
            return 0;
        if (*at != ':' && *(at = past_blanks(at)) != ':')
            return 0;
        at = past_blanks(at + 1);
        PyObject *value = read_value(&at, end, name, depth);
        if (value == NULL)
            return 0;
        found[*count] = before = name;
        values[(*count)++] = value;
        if (*at != ',' && *at != '}')
            at = past_blanks(at);
        *from = at + 1;
        if (*at != ',')
            return *at == '}';
        at = past_blanks(at + 1);
    }
    return 0;
}

static PyObject *read_object(const char **from, const char *end, int depth)
{
    Name *found[MOST_MEMBERS];
    PyObject *values[MOST_MEMBERS], *made = NULL;
    Py_ssize_t count = 0;
    *from = past_blanks(*from + 1);
    if (**from == '}') {
        ++*from;
        return PyDict_New();
    }
    if (read_members(from, end, depth, found, values, &count))
        made = made_object(found, values, count);
    while (count)
        Py_DECREF(values[--count]);
    return made;
}

static PyObject *read_container(const char **from, const char *end, int depth)
{
    return **from == '{' ? read_object(from, end, depth) : read_list(from, end, depth);
}

static PyObject *read_json(PyObject *module, PyObject *text)
{
    if (!PyBytes_CheckExact(text)) {
        PyErr_SetString(PyExc_TypeError, "read_json(bytes)");
        return NULL;
    }
    const char *end = PyBytes_AS_STRING(text) + PyBytes_GET_SIZE(text); /* where a byte 0 is */
    const char *at = past_blanks(PyBytes_AS_STRING(text));
    PyObject *value = *at == '{' || *at == '[' ? read_container(&at, end, 1) : NULL;
    if (value == NULL)
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    if (past_blanks(at) != end)
        Py_SETREF(value, Py_NewRef(Py_None));
    return value;
}

static PyMethodDef FUNCTIONS[] = {
    {"read_json", read_json, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "bridge.fast._read", NULL, -1, FUNCTIONS};

PyMODINIT_FUNC PyInit__read(void)
{
    PyObject *orjson = PyImport_ImportModule("orjson");
    if (orjson == NULL)
        return NULL;
    Py_XSETREF(loads, PyObject_GetAttrString(orjson, "loads"));
    Py_DECREF(orjson);
    for (size_t place = 0; place < sizeof CELERY / sizeof *CELERY && loads != NULL; place++)
        if (place_of(CELERY[place], (Py_ssize_t)strlen(CELERY[place])) == NULL && PyErr_Occurred())
            return NULL;
    direct = entries_are_there();
    return loads == NULL || direct < 0 ? NULL : PyModule_Create(&MODULE);
}
