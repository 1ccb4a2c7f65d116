// The values of e2m1, doubled: 0 1 2 3, 4 6 8 12, and the same below zero.
const LEVELS = vec4<u32>(0x03020100u, 0x0c080604u, 0xfdfeff00u, 0xf4f8fafcu);
