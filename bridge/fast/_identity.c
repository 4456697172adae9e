/*
 * The id of an event and its time as text (bridge/identify.py says what they are). Whatever is unusual is left to Python:
 * the answer is None then. The GIL is held all the time, so that the cache of seconds needs no lock.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#include "blake2b.h"
#include "parts.h"

/* The very objects that orjson makes keys of (bridge/names.py): looked up by identity. */
static PyObject *TIMESTAMP, *PID, *CLOCK, *TYPE, *HOSTNAME, *UUID;

enum {
    ID_BYTES = 10,       /* of the digest: bridge/identify.py */
    ID_LENGTH = 36,      /* of the id as text */
    TIME_LENGTH = 24,    /* 2026-11-20T11:47:55.123Z */
    SECOND_LENGTH = 20,  /* the same up to the point */
    SECONDS_KEPT = 64,   /* texts of seconds; the events of a read share a handful. A power of two */
    MOST_HASHED = 1024,  /* bytes; names and types beyond that are not Celery's */
};

#define SECONDS_END 274877906944.0   /* 2^38: bridge/identify.py */
#define LAST_SECOND 253402300799LL   /* of the year 9999 */

static char HEX[256][2]; /* every byte's digits; written when the module is made */

static char *put_hex(char *at, unsigned byte)
{
    memcpy(at, HEX[byte & 255], 2);
    return at + 2;
}

static char *put_decimal(char *at, unsigned number, int digits)
{
    for (int place = digits - 1; place >= 0; place--, number /= 10)
        at[place] = (char)('0' + number % 10);
    return at + digits;
}

/* "2026-11-20T11:47:55." of a second from 1970 on: Howard Hinnant's civil_from_days. */
static void write_second(char *at, int64_t second)
{
    int64_t days = second / 86400 + 719468;
    unsigned rest = (unsigned)(second % 86400), of_era = (unsigned)(days % 146097);
    unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * day_of_year + 2) / 153, month = shifted < 10 ? shifted + 3 : shifted - 9;
    unsigned year = year_of_era + (unsigned)(days / 146097) * 400 + (month <= 2);
    at = put_decimal(at, year, 4);
    *at++ = '-';
    at = put_decimal(at, month, 2);
    *at++ = '-';
    at = put_decimal(at, day_of_year - (153 * shifted + 2) / 5 + 1, 2);
    *at++ = 'T';
    at = put_decimal(at, rest / 3600, 2);
    *at++ = ':';
    at = put_decimal(at, rest / 60 % 60, 2);
    *at++ = ':';
    at = put_decimal(at, rest % 60, 2);
    *at = '.';
}

static PyObject *time_text(int64_t ms)
{
    static struct {
        int64_t second;
        char text[SECOND_LENGTH];
    } kept[SECONDS_KEPT]; /* all zero at first, which is no text: second 0 is always written anew */
    int64_t second = ms / 1000;
    PyObject *made = PyUnicode_New(TIME_LENGTH, 127);
    if (made == NULL)
        return NULL;
    char *text = (char *)PyUnicode_1BYTE_DATA(made), *cached = kept[second % SECONDS_KEPT].text;
    if (kept[second % SECONDS_KEPT].second != second || second == 0) {
        write_second(cached, second);
        kept[second % SECONDS_KEPT].second = second;
    }
    memcpy(text, cached, SECOND_LENGTH);
    put_decimal(text + SECOND_LENGTH, (unsigned)(ms % 1000), 3);
    text[TIME_LENGTH - 1] = 'Z';
    return made;
}

static PyObject *id_text(int64_t ms, const uint8_t *digest)
{
    PyObject *made = PyUnicode_New(ID_LENGTH, 127);
    if (made == NULL)
        return NULL;
    char *at = (char *)PyUnicode_1BYTE_DATA(made);
#pragma GCC unroll 4
    for (int shift = 40; shift >= 16; shift -= 8)
        at = put_hex(at, (unsigned)(ms >> shift));
    *at++ = '-';
    at = put_hex(put_hex(at, (unsigned)(ms >> 8)), (unsigned)ms);
    *at++ = '-';
    at = put_hex(put_hex(at, (digest[0] & 0x0F) | 0x70), digest[1]);
    *at++ = '-';
    at = put_hex(put_hex(at, (digest[2] & 0x3F) | 0x80), digest[3]);
    *at++ = '-';
#pragma GCC unroll 6
    for (int place = 4; place < ID_BYTES; place++)
        at = put_hex(at, digest[place]);
    return made;
}

/* 8 bytes, the highest first; unrolled, compilers know it as a store. */
static void put_number(uint8_t *at, uint64_t number)
{
#pragma GCC unroll 8
    for (int place = 0; place < 8; place++)
        at[place] = (uint8_t)(number >> (56 - 8 * place));
}

/* Adds 8 bytes; 0 for what is no integer of 64 bits. */
static int add_integer(uint8_t *into, PyObject *value)
{
    if (value == NULL || !PyLong_CheckExact(value))
        return 0;
    int overflow;
    put_number(into, (uint64_t)PyLong_AsLongLongAndOverflow(value, &overflow));
    return !overflow;
}

/* Adds a string's UTF-8; the size afterwards, 0 for what is no string or too long, maybe with an error. */
static size_t add_text(uint8_t *into, size_t size, PyObject *value)
{
    Part text;
    if (value == NULL || !PyUnicode_CheckExact(value) || (size_t)PyUnicode_GET_LENGTH(value) >= MOST_HASHED - size)
        return 0; /* before Python makes its UTF-8, and keeps it */
    if (!take(&text, value) || (size_t)text.size >= MOST_HASHED - size)
        return 0; /* not taken: a lone surrogate */
    memcpy(into + size, text.data, (size_t)text.size);
    return size + (size_t)text.size;
}

/*
 * A field, borrowed; NULL where there is none, maybe with an error. Celery sends its fields in one order: one that lies
 * where it is expected is found in a quarter of the time. Any place may be asked for; the order is a guess, the name is not.
 */
static PyObject *field(PyObject *fields, Py_ssize_t place, PyObject *name)
{
    PyObject *found, *value;
    if (PyDict_Next(fields, &place, &found, &value) && found == name)
        return value;
    return PyDict_GetItemWithError(fields, name);
}

/* What is hashed of the fields, but for the time in front of it: its size, 0 for unusual ones, maybe with an error. */
static size_t add_fields(uint8_t *data, PyObject *fields)
{
    if (!add_integer(data + 8, field(fields, 2, PID)) || !add_integer(data + 16, field(fields, 3, CLOCK)))
        return 0;
    size_t size = add_text(data, 24, field(fields, PyDict_GET_SIZE(fields) - 1, TYPE));
    if (size == 0)
        return 0;
    data[size++] = '\n';
    size = add_text(data, size, field(fields, 0, HOSTNAME));
    if (size == 0)
        return 0;
    data[size++] = '\n';
    PyObject *uuid = field(fields, 4, UUID);
    if (uuid == NULL)
        return PyErr_Occurred() ? 0 : size;
    return uuid == Py_None ? size : add_text(data, size, uuid);
}

/* Whatever it was, Python finds it again. */
static PyObject *left_to_python(void)
{
    PyErr_Clear();
    Py_RETURN_NONE;
}

static PyObject *identity(PyObject *module, PyObject *fields)
{
    uint8_t data[MOST_HASHED + BLAKE2B_BLOCK], digest[ID_BYTES];
    if (!PyDict_CheckExact(fields))
        Py_RETURN_NONE;
    PyObject *timestamp = field(fields, PyDict_GET_SIZE(fields) - 2, TIMESTAMP);
    if (timestamp == NULL || !PyFloat_CheckExact(timestamp))
        return left_to_python();
    double seconds = PyFloat_AS_DOUBLE(timestamp);
    if (!(seconds > 0 && seconds < SECONDS_END))
        Py_RETURN_NONE;
    volatile double scaled = seconds * 1e6, thousandfold = seconds * 1000; /* doubles, also where registers hold more */
    int64_t micros = (int64_t)scaled, ms = (int64_t)thousandfold;
    if (ms / 1000 > LAST_SECOND)
        Py_RETURN_NONE;
    put_number(data, (uint64_t)micros);
    size_t size = add_fields(data, fields);
    if (size == 0)
        return left_to_python();
    blake2b(digest, ID_BYTES, data, size);
    PyObject *both = PyTuple_New(2);
    if (both == NULL)
        return NULL;
    PyTuple_SET_ITEM(both, 0, id_text(ms, digest));
    PyTuple_SET_ITEM(both, 1, time_text(ms));
    if (PyTuple_GET_ITEM(both, 0) == NULL || PyTuple_GET_ITEM(both, 1) == NULL)
        Py_CLEAR(both);
    return both;
}

static PyMethodDef FUNCTIONS[] = {
    {"identity", identity, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "bridge.fast._identity", NULL, -1, FUNCTIONS};

PyMODINIT_FUNC PyInit__identity(void)
{
    static const struct {
        const char *name;
        PyObject **constant;
    } names[] = {{"TIMESTAMP", &TIMESTAMP}, {"PID", &PID}, {"CLOCK", &CLOCK},
                 {"TYPE", &TYPE}, {"HOSTNAME", &HOSTNAME}, {"UUID", &UUID}};
    for (int byte = 0; byte < 256; byte++) {
        HEX[byte][0] = "0123456789abcdef"[byte >> 4];
        HEX[byte][1] = "0123456789abcdef"[byte & 15];
    }
    PyObject *module = PyModule_Create(&MODULE), *from = module == NULL ? NULL : PyImport_ImportModule("bridge.names");
    for (size_t place = 0; from != NULL && place < sizeof names / sizeof *names; place++) {
        *names[place].constant = PyObject_GetAttrString(from, names[place].name);
        if (*names[place].constant == NULL)
            Py_CLEAR(from);
    }
    if (from == NULL)
        Py_CLEAR(module);
    Py_XDECREF(from);
    return module;
}
