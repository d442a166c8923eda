// VECTOR_CLONES: marks a function with a hot loop over arrays to be compiled for several generations of x86-64 processors, the best of which is chosen when the program
// starts. Elsewhere, and under sanitizers, whose run-time is not there yet when that choice is made, it stands for nothing.
//
//   VECTOR_CLONES void scale(std::span<double> values, double by) { for (double& value : values) value *= by; }
//
// Results are the same bit for bit: the clones differ in how many values an instruction takes, and none may contract a multiplication and an addition.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define VECTOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("tree-vectorize", "fp-contract=off", "vect-cost-model=dynamic")))
#else
#define VECTOR_CLONES
#endif
