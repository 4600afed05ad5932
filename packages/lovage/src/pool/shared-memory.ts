/**
 * Memory that all runners of a process have in common, empty at first; the pool makes it, what is in it is the runners' affair. It grows
 * where it is used, and is addresses only until then.
 */
export const newSharedMemory = (): SharedArrayBuffer => new SharedArrayBuffer(0, { maxByteLength: 64 * 2 ** 20 });
