// SPDX-License-Identifier: Apache-2.0
// The engine of a GPU in single precision: all threads of a block multiply matrices together, and each operation ends
// when all have done their part of it. On the host one thread does it all, for tests.
#pragma once

#include "nerf/mlp_block.hd.h"

namespace fastcv::FASTCV_ISA {

inline constexpr int kMlpThreads = 128;

FASTCV_HD int mlp_thread() {
#ifdef __CUDA_ARCH__
  return static_cast<int>(threadIdx.x);
#else
  return 0;
#endif
}
FASTCV_HD int mlp_threads() {
#ifdef __CUDA_ARCH__
  return kMlpThreads;
#else
  return 1;
#endif
}
FASTCV_HD void mlp_sync() {
#ifdef __CUDA_ARCH__
  __syncthreads();
#endif
}

// What both engines do alike: numbers of an array or of a matrix, one a thread.
template <class V, class S>
struct MlpTogether {
  using Value = V;
  using Sum = S;

  struct Lanes {
    FASTCV_HD static auto load(const V* from) { return real(*from); }
    template <class Real>
    FASTCV_HD static void store(V* to, Real value) {
      *to = as<V>(value);
    }
  };

  template <class Op>
  FASTCV_HD void elements(int rows, int columns, std::int64_t stride, const Op& op) const {
    for (int k = mlp_thread(); k < rows * columns; k += mlp_threads()) op(Lanes{}, k / columns * stride + k % columns);
    mlp_sync();
  }
  // One thread a column, rows in order.
  FASTCV_HD void add_columns(S* out, const V* from, std::int64_t stride, int rows, int columns) const {
    for (int j = mlp_thread(); j < columns; j += mlp_threads()) {
      S sum = out[j];
      for (int i = 0; i < rows; ++i) sum += real(from[i * stride + j]);
      out[j] = sum;
    }
    mlp_sync();
  }
  // Zeros to the ends of tiles, for tiles are multiplied as a whole.
  template <class T>
  FASTCV_HD void read(const T* from, int rows, int columns, V* to, std::int64_t stride) const {
    const int padded_rows = (rows + 15) / 16 * 16, padded = (columns + 15) / 16 * 16;
    for (int k = mlp_thread(); k < padded_rows * padded; k += mlp_threads()) {
      const int i = k / padded, j = k % padded;
      const bool inside = from != nullptr && i < rows && j < columns;
      to[i * stride + j] = as<V>(inside ? real(from[std::int64_t(i) * columns + j]) : S(0));
    }
    mlp_sync();
  }
  template <class T>
  FASTCV_HD void write(const V* from, std::int64_t stride, int rows, int columns, T* to) const {
    for (int k = mlp_thread(); k < rows * columns; k += mlp_threads()) {
      to[k] = as<T>(real(from[k / columns * stride + k % columns]));
    }
    mlp_sync();
  }
};

// Single precision: a thread has tiles of 4 by 4 sums; threads side by side have columns side by side.
struct MlpThreads : MlpTogether<float, float> {
  static constexpr int kGap = 4, kTile = 4;
  using Product = MlpProduct<float>;

  FASTCV_HD void product(float* out, std::int64_t stride, int rows, int columns, const Product& product) const {
    multiply<false>(out, stride, rows, columns, product);
  }
  FASTCV_HD void add_product(float* out, std::int64_t stride, int rows, int columns, const Product& product) const {
    multiply<true>(out, stride, rows, columns, product);
  }

 private:
  FASTCV_HD static float fused(float a, float b, float c) { return ::fmaf(a, b, c); }

  FASTCV_HD static void add_term(const MlpTerm<float>& term, int i, int j, float (&sums)[kTile][kTile]) {
    const float *left = term.left + i * term.left_row, *right = term.right + j;
    for (int t = 0; t < term.depth; ++t, left += term.left_depth, right += term.right_stride) {
      float factors[kTile];
      for (int c = 0; c < kTile; ++c) factors[c] = right[c];
      for (int r = 0; r < kTile; ++r) {
        const float factor = left[r * term.left_row];
        for (int c = 0; c < kTile; ++c) sums[r][c] = fused(factor, factors[c], sums[r][c]);
      }
    }
  }

  template <bool kAdds>
  FASTCV_HD void multiply(float* out, std::int64_t stride, int rows, int columns, const Product& product) const {
    const int across = (columns + kTile - 1) / kTile, tiles = (rows + kTile - 1) / kTile * across;
    for (int tile = mlp_thread(); tile < tiles; tile += mlp_threads()) {
      const int i = tile / across * kTile, j = tile % across * kTile;
      float* to = out + i * stride + j;
      float sums[kTile][kTile];
      for (int r = 0; r < kTile; ++r) {
        for (int c = 0; c < kTile; ++c) {
          const float start = product.start == nullptr ? 0.0F : product.start[j + c];
          sums[r][c] = kAdds ? to[r * stride + c] : start;
        }
      }
      for (int k = 0; k < product.num_terms; ++k) add_term(product.terms[k], i, j, sums);
      for (int r = 0; r < kTile; ++r) {
        for (int c = 0; c < kTile; ++c) {
          const float sum = sums[r][c];
          to[r * stride + c] = product.rectified && sum < 0 ? 0.0F : sum;
        }
      }
    }
    mlp_sync();
  }
};

}  // namespace fastcv::FASTCV_ISA
