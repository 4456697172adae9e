/*
 * What Kafka wants of a record: its bytes in a batch, and the hash of its key.
 * plain.py says what the functions do, and does it where nothing was compiled; tests/unit/fast compares the two.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

/* Zigzag. */
static uint64_t zigzag(int64_t number)
{
    return ((uint64_t)number << 1) ^ (uint64_t)(number >> 63);
}

/* Bytes of a varint, 1 to 10: seven bits each. */
static int64_t varint_size(int64_t number)
{
    int64_t size = 1;
    for (uint64_t left = zigzag(number); left > 0x7F; left >>= 7)
        size++;
    return size;
}

static char *put_varint(char *at, int64_t number)
{
    uint64_t left = zigzag(number);
    for (; left > 0x7F; left >>= 7)
        *at++ = (char)(left | 0x80);
    *at++ = (char)left;
    return at;
}

/*
 * Python's own growth by an eighth copies a batch some nine times until it is full. So room is made for as much again:
 * a bytearray that is made smaller keeps its room while it fills at least half of it (Objects/bytearrayobject.c).
 */
static int resize(PyObject *data, Py_ssize_t size)
{
    if (size > ((PyByteArrayObject *)data)->ob_alloc && size < PY_SSIZE_T_MAX / 2 &&
        PyByteArray_Resize(data, 2 * size - 2) < 0)
        return -1;
    return PyByteArray_Resize(data, size);
}

static char *put_bytes(char *at, PyObject *bytes)
{
    memcpy(at, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    return at + PyBytes_GET_SIZE(bytes);
}

static PyObject *add_record(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    if (count != 7 || !PyByteArray_CheckExact(args[0]) || !PyLong_Check(args[1]) || !PyLong_Check(args[2]) ||
        !PyLong_Check(args[3]) || !(args[4] == Py_None || PyBytes_Check(args[4])) ||
        !PyBytes_Check(args[5]) || !PyBytes_Check(args[6])) {
        PyErr_SetString(PyExc_TypeError, "add_record(bytearray, int, int, int, bytes | None, bytes, bytes)");
        return NULL;
    }
    PyObject *data = args[0], *key = args[4], *value = args[5], *headers = args[6];
    int64_t most = PyLong_AsLongLong(args[1]), time = PyLong_AsLongLong(args[2]), place = PyLong_AsLongLong(args[3]);
    if ((most == -1 || time == -1 || place == -1) && PyErr_Occurred())
        return NULL;
    int64_t key_size = key == Py_None ? -1 : PyBytes_GET_SIZE(key), value_size = PyBytes_GET_SIZE(value);
    int64_t size = 1 + varint_size(time) + varint_size(place) + varint_size(key_size) + (key == Py_None ? 0 : key_size) +
                   varint_size(value_size) + value_size + PyBytes_GET_SIZE(headers);
    int64_t before = PyByteArray_GET_SIZE(data), after = before + varint_size(size) + size;
    if (after > most || after > PY_SSIZE_T_MAX)
        Py_RETURN_FALSE;
    if (resize(data, (Py_ssize_t)after) < 0)
        return NULL;
    char *at = put_varint(PyByteArray_AS_STRING(data) + before, size);
    *at++ = 0; /* attributes of a record: none are defined */
    at = put_varint(put_varint(put_varint(at, time), place), key_size);
    if (key != Py_None)
        at = put_bytes(at, key);
    put_bytes(put_bytes(put_varint(at, value_size), value), headers);
    Py_RETURN_TRUE;
}

/* org.apache.kafka.common.utils.Utils.murmur2: MurmurHash2 of 32 bits, words with the lowest byte first. */
static uint32_t murmur2(const uint8_t *data, size_t size)
{
    const uint32_t m = 0x5BD1E995;
    uint32_t hashed = 0x9747B28C ^ (uint32_t)size;
    for (; size >= 4; data += 4, size -= 4) {
        uint32_t word = (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
        word *= m;
        hashed = (hashed * m) ^ ((word ^ (word >> 24)) * m);
    }
    if (size > 0) {
        for (size_t place = 0; place < size; place++)
            hashed ^= (uint32_t)data[place] << (8 * place);
        hashed *= m;
    }
    hashed = (hashed ^ (hashed >> 13)) * m;
    return hashed ^ (hashed >> 15);
}

static PyObject *key_hash(PyObject *module, PyObject *key)
{
    if (!PyBytes_Check(key)) {
        PyErr_SetString(PyExc_TypeError, "key_hash(bytes)");
        return NULL;
    }
    return PyLong_FromLong(murmur2((const uint8_t *)PyBytes_AS_STRING(key), (size_t)PyBytes_GET_SIZE(key)) & 0x7FFFFFFF);
}

static PyMethodDef FUNCTIONS[] = {
    {"add_record", (PyCFunction)(void (*)(void))add_record, METH_FASTCALL, NULL},
    {"key_hash", key_hash, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "bridge.fast._kafka", NULL, -1, FUNCTIONS};

PyMODINIT_FUNC PyInit__kafka(void)
{
    return PyModule_Create(&MODULE);
}
