// SPDX-License-Identifier: Apache-2.0
// The engine of a CPU: tiles of matrices in registers, a vector of columns and a row at a time.
#pragma once

#include "nerf/mlp_block.hd.h"

namespace fastcv::FASTCV_ISA {

#ifndef __CUDACC__

// So many vectors of columns by so many rows are summed in registers. Each sum waits 4 cycles for the one before it, so
// at least 8 are under way; 16 or 32 registers hold them.
#if defined(__AVX512F__)
constexpr int kTileVectors = 4;
#else
constexpr int kTileVectors = 2;
#endif
constexpr int tile_rows(int vectors) { return vectors < kTileVectors ? 8 : 4; }

template <class P>
struct MlpVector {
  typedef P Type __attribute__((vector_size(4 * kLanes)));
};

// Columns [column, column + vectors) of all rows.
template <int kVectors, class P>
__attribute__((noinline)) void multiply_columns(const MlpProduct<P>& product, bool adds, int rows, std::int64_t column,
                                                P* out, std::int64_t stride) {
  using V = typename MlpVector<P>::Type;
  constexpr int kCount = sizeof(V) / sizeof(P), kRows = tile_rows(kVectors);
  for (std::int64_t row = 0; row < rows; row += kRows) {
    V sums[kRows][kVectors];
    P* to = out + row * stride + column;
    FASTCV_UNROLL
    for (int r = 0; r < kRows; ++r) {
      FASTCV_UNROLL
      for (int c = 0; c < kVectors; ++c) {
        sums[r][c] = adds                       ? load<V>(to + r * stride + c * kCount)
                     : product.start != nullptr ? load<V>(product.start + column + c * kCount)
                                                : V{};
      }
    }
    for (int i = 0; i < product.num_terms; ++i) {
      const MlpTerm<P>& term = product.terms[i];
      const P *left = term.left + row * term.left_row, *right = term.right + column;
      const std::int64_t left_row = term.left_row, left_depth = term.left_depth, right_stride = term.right_stride;
      for (int t = term.depth; t > 0; --t, left += left_depth, right += right_stride) {
        V factors[kVectors];
        FASTCV_UNROLL
        for (int c = 0; c < kVectors; ++c) factors[c] = load<V>(right + c * kCount);
        FASTCV_UNROLL
        for (int r = 0; r < kRows; ++r) {
          const P factor = left[r * left_row];
          FASTCV_UNROLL
          for (int c = 0; c < kVectors; ++c) sums[r][c] += factor * factors[c];
        }
      }
    }
    FASTCV_UNROLL
    for (int r = 0; r < kRows; ++r) {
      FASTCV_UNROLL
      for (int c = 0; c < kVectors; ++c) {
        const V sum = sums[r][c];
        store(to + r * stride + c * kCount, product.rectified ? (sum < V{} ? V{} : sum) : sum);
      }
    }
  }
}

template <class P>
void multiply(const MlpProduct<P>& product, bool adds, int rows, int columns, P* out, std::int64_t stride) {
  constexpr int kCount = 4 * kLanes / sizeof(P);
  const int vectors = (columns + kCount - 1) / kCount;
  int done = 0;
  for (; done + kTileVectors <= vectors; done += kTileVectors) {
    multiply_columns<kTileVectors>(product, adds, rows, done * kCount, out, stride);
  }
  if constexpr (kTileVectors == 4) {
    if (vectors - done == 3) return multiply_columns<3>(product, adds, rows, done * kCount, out, stride);
    if (vectors - done == 2) return multiply_columns<2>(product, adds, rows, done * kCount, out, stride);
  }
  if (vectors > done) multiply_columns<1>(product, adds, rows, done * kCount, out, stride);
}

typedef std::uint16_t Shorts __attribute__((vector_size(2 * kLanes)));

FASTCV_HD Floats load_real(const float* from) { return load<Floats>(from); }
FASTCV_HD Floats load_real(const Half* from) {
  return float_from_half(__builtin_convertvector(load<Shorts>(from), Ints));
}
FASTCV_HD Floats load_real(const Bfloat* from) {
  return float_from_bfloat(__builtin_convertvector(load<Shorts>(from), Ints));
}
FASTCV_HD void store_real(float* to, Floats x) { store(to, x); }
FASTCV_HD void store_real(Half* to, Floats x) { store(to, __builtin_convertvector(half_from_float(x), Shorts)); }
FASTCV_HD void store_real(Bfloat* to, Floats x) { store(to, __builtin_convertvector(bfloat_from_float(x), Shorts)); }
FASTCV_HD double load_real(const double* from) { return *from; }
FASTCV_HD void store_real(double* to, double x) { *to = x; }

// P is float or double.
template <class P>
struct MlpLanes {
  using Value = P;
  using Sum = P;
  static constexpr int kGap = 16;
  static constexpr int kCount = std::is_same_v<P, float> ? kLanes : 1;

  struct Lanes {
    FASTCV_HD static auto load(const P* from) { return load_real(from); }
    template <class F>
    FASTCV_HD static void store(P* to, F value) {
      store_real(to, value);
    }
  };

  void product(P* out, std::int64_t stride, int rows, int columns, const MlpProduct<P>& product) const {
    multiply(product, false, rows, columns, out, stride);
  }
  void add_product(P* out, std::int64_t stride, int rows, int columns, const MlpProduct<P>& product) const {
    multiply(product, true, rows, columns, out, stride);
  }
  void add_columns(P* out, const P* from, std::int64_t stride, int rows, int columns) const {
    constexpr int kAtOnce = 4;  // of sums, each of which waits for itself
    for (int k = 0; k < columns; k += kCount) {
      decltype(load_real(out)) sums[kAtOnce] = {load_real(out + k)};
      int i = 0;
      for (; i + kAtOnce <= rows; i += kAtOnce) {
        FASTCV_UNROLL
        for (int r = 0; r < kAtOnce; ++r) sums[r] += load_real(from + (i + r) * stride + k);
      }
      for (; i < rows; ++i) sums[0] += load_real(from + i * stride + k);
      store_real(out + k, (sums[0] + sums[1]) + (sums[2] + sums[3]));
    }
  }
  template <class Op>
  FASTCV_HD void elements(int rows, int columns, std::int64_t stride, const Op& op) const {
    for (int i = 0; i < rows; ++i) {
      for (int k = 0; k < columns; k += kCount) op(Lanes{}, i * stride + k);
    }
  }
  template <class T>
  void read(const T* from, int rows, int columns, P* to, std::int64_t stride) const {
    for (int i = 0; i < rows; ++i, to += stride) {
      int k = 0;
      if (from == nullptr) {
        for (; k < columns; ++k) to[k] = 0;
        continue;
      }
      for (; k + kCount <= columns; k += kCount) {
        __builtin_prefetch(from + k + std::int64_t(rows) * columns);  // the next block's, while this one is computed
        store_real(to + k, load_real(from + k));
      }
      for (; k < columns; ++k) to[k] = real(from[k]);
      from += columns;
    }
  }
  template <class T>
  void write(const P* from, std::int64_t stride, int rows, int columns, T* to) const {
    for (int i = 0; i < rows; ++i, to += columns, from += stride) {
      int k = 0;
      for (; k + kCount <= columns; k += kCount) {
        __builtin_prefetch(to + k + std::int64_t(rows) * columns, 1);
        store_real(to + k, load_real(from + k));
      }
      for (; k < columns; ++k) to[k] = as<T>(from[k]);
    }
  }
};

#endif  // __CUDACC__

}  // namespace fastcv::FASTCV_ISA
