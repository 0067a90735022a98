// SPDX-License-Identifier: Apache-2.0
// Marks code that runs on both sides, and names the instruction set that this translation unit is compiled for.
#pragma once

#ifdef __CUDACC__
#define FASTCV_HD __host__ __device__ __forceinline__
#else
#define FASTCV_HD inline __attribute__((always_inline))
#endif

// Before a short loop with a constant number of turns: unrolled early, so that GCC can vectorise the loop around it.
// nvcc unrolls such loops anyway.
#ifdef __CUDACC__
#define FASTCV_UNROLL
#else
#define FASTCV_UNROLL _Pragma("GCC unroll 32")
#endif

// Everything in *.hd.h and *.leaf.cpp lives in fastcv::FASTCV_ISA, so that no two instruction sets share a symbol.
#ifndef FASTCV_ISA
#define FASTCV_ISA generic
#endif
