// SPDX-License-Identifier: Apache-2.0
// The engines of a GPU: all threads of a block multiply matrices together, in single precision or on tensor cores. See
// nerf/mlp_block.hd.h; each operation ends when all threads have done their part of it.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <mma.h>

#include "nerf/mlp_block.hd.h"

namespace fastcv::cuda::nerf {

inline constexpr int kMlpThreads = 128;

// Host code sees these functions too (they are called by functions of both sides), but not what they do.
#ifdef __CUDA_ARCH__
#define FASTCV_DEVICE_CODE 1
#else
#define FASTCV_DEVICE_CODE 0
#endif

FASTCV_HD int mlp_thread() {
#if FASTCV_DEVICE_CODE
  return static_cast<int>(threadIdx.x);
#else
  return 0;
#endif
}
FASTCV_HD void mlp_sync() {
#if FASTCV_DEVICE_CODE
  __syncthreads();
#endif
}

// What both engines do alike: numbers of an array or of a matrix, one a thread.
template <class V, class S>
struct MlpTogether {
  using Value = V;
  using Sum = S;

  struct Lanes {
    FASTCV_HD static auto load(const V* from) { return gpu::real(*from); }
    template <class Real>
    FASTCV_HD static void store(V* to, Real value) {
      *to = gpu::as<V>(value);
    }
  };

  template <class Op>
  FASTCV_HD void elements(int rows, int columns, std::int64_t stride, const Op& op) const {
    for (int k = mlp_thread(); k < rows * columns; k += kMlpThreads) op(Lanes{}, k / columns * stride + k % columns);
    mlp_sync();
  }
  // One thread a column, rows in order.
  FASTCV_HD void add_columns(S* out, const V* from, std::int64_t stride, int rows, int columns) const {
    for (int j = mlp_thread(); j < columns; j += kMlpThreads) {
      S sum = out[j];
      for (int i = 0; i < rows; ++i) sum += gpu::real(from[i * stride + j]);
      out[j] = sum;
    }
    mlp_sync();
  }
  // Zeros to the ends of tiles, for tiles are multiplied as a whole.
  template <class T>
  FASTCV_HD void read(const T* from, int rows, int columns, V* to, std::int64_t stride) const {
    const int padded_rows = (rows + 15) / 16 * 16, padded = (columns + 15) / 16 * 16;
    for (int k = mlp_thread(); k < padded_rows * padded; k += kMlpThreads) {
      const int i = k / padded, j = k % padded;
      const bool inside = from != nullptr && i < rows && j < columns;
      to[i * stride + j] = gpu::as<V>(inside ? gpu::real(from[std::int64_t(i) * columns + j]) : S(0));
    }
    mlp_sync();
  }
  template <class T>
  FASTCV_HD void write(const V* from, std::int64_t stride, int rows, int columns, T* to) const {
    for (int k = mlp_thread(); k < rows * columns; k += kMlpThreads) {
      to[k] = gpu::as<T>(gpu::real(from[k / columns * stride + k % columns]));
    }
    mlp_sync();
  }
};

// Single precision: a thread has tiles of 4 by 4 sums; threads side by side have columns side by side.
struct MlpThreads : MlpTogether<float, float> {
  static constexpr int kGap = 4, kTile = 4;
  using Product = gpu::MlpProduct<float>;

  FASTCV_HD void product(float* out, std::int64_t stride, int rows, int columns, const Product& product) const {
    multiply<false>(out, stride, rows, columns, product);
  }
  FASTCV_HD void add_product(float* out, std::int64_t stride, int rows, int columns, const Product& product) const {
    multiply<true>(out, stride, rows, columns, product);
  }

 private:
  FASTCV_HD static float fused(float a, float b, float c) { return ::fmaf(a, b, c); }

  FASTCV_HD static void add_term(const gpu::MlpTerm<float>& term, int i, int j, float (&sums)[kTile][kTile]) {
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
    for (int tile = mlp_thread(); tile < tiles; tile += kMlpThreads) {
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

template <class T>
struct TensorCoreType;
template <>
struct TensorCoreType<Half> {
  using Type = __half;
  static constexpr int kLeastArchitecture = 700;
};
template <>
struct TensorCoreType<Bfloat> {
  using Type = __nv_bfloat16;
  static constexpr int kLeastArchitecture = 800;
};

// Tensor cores: tiles of 16 by 16 by 16, products of T, sums in float. A warp has four tiles side by side at a time. T
// is Half or Bfloat.
template <class T>
struct MlpTensorCores : MlpTogether<T, float> {
  static constexpr int kGap = 8;  // rows of 8 a tile core are then in different banks of memory
  using Product = gpu::MlpProduct<T>;

  FASTCV_HD void product(T* out, std::int64_t stride, int rows, int columns, const Product& product) const {
    multiply(rows, columns, product, [&](int i, int j, auto& tile, bool begins) {
#if FASTCV_DEVICE_CODE
      if (begins) return nvcuda::wmma::fill_fragment(tile, 0.0F);
      write_tile(tile, product, j, out + i * stride + j, stride);
#endif
    });
  }
  FASTCV_HD void add_product(float* out, std::int64_t stride, int rows, int columns, const Product& product) const {
    multiply(rows, columns, product, [&](int i, int j, auto& tile, bool begins) {
#if FASTCV_DEVICE_CODE
      float* to = out + i * stride + j;
      if (begins) return nvcuda::wmma::load_matrix_sync(tile, to, stride, nvcuda::wmma::mem_row_major);
      nvcuda::wmma::store_matrix_sync(to, tile, stride, nvcuda::wmma::mem_row_major);
#endif
    });
  }

 private:
  static constexpr int kTile = 16, kTilesAtOnce = 4, kWarp = 32, kWarps = kMlpThreads / kWarp;
  using Number = typename TensorCoreType<T>::Type;

#if FASTCV_DEVICE_CODE
  using Sums = nvcuda::wmma::fragment<nvcuda::wmma::accumulator, kTile, kTile, kTile, float>;

  // Where threads hold the numbers of a tile is the processor's affair, so they go through memory.
  __device__ static void write_tile(const Sums& tile, const Product& product, int column, T* to, std::int64_t stride) {
    __shared__ __align__(32) float memory[kWarps][kTile * kTile];
    float* own = memory[threadIdx.x / kWarp];
    nvcuda::wmma::store_matrix_sync(own, tile, kTile, nvcuda::wmma::mem_row_major);
    __syncwarp();
    for (int k = threadIdx.x % kWarp; k < kTile * kTile; k += kWarp) {
      const int i = k / kTile, j = k % kTile;
      const float sum = own[k] + (product.start == nullptr ? 0.0F : gpu::real(product.start[column + j]));
      to[i * stride + j] = gpu::as<T>(product.rectified && sum < 0 ? 0.0F : sum);
    }
    __syncwarp();
  }

  template <class Layout>
  __device__ static void add_term(const gpu::MlpTerm<T>& term, int i, int j, int count, Sums (&tiles)[kTilesAtOnce]) {
    using nvcuda::wmma::fragment;
    constexpr bool kByRows = std::is_same_v<Layout, nvcuda::wmma::row_major>;
    const std::int64_t left_stride = kByRows ? term.left_row : term.left_depth;
    for (int t = 0; t < term.depth; t += kTile) {
      fragment<nvcuda::wmma::matrix_a, kTile, kTile, kTile, Number, Layout> left;
      const T* from = term.left + i * term.left_row + t * term.left_depth;
      nvcuda::wmma::load_matrix_sync(left, reinterpret_cast<const Number*>(from), left_stride);
#pragma unroll
      for (int k = 0; k < kTilesAtOnce; ++k) {
        if (k >= count) continue;
        fragment<nvcuda::wmma::matrix_b, kTile, kTile, kTile, Number, nvcuda::wmma::row_major> right;
        const T* with = term.right + t * term.right_stride + j + k * kTile;
        nvcuda::wmma::load_matrix_sync(right, reinterpret_cast<const Number*>(with), term.right_stride);
        nvcuda::wmma::mma_sync(tiles[k], left, right, tiles[k]);
      }
    }
  }
#endif

  // end(i, j, tile, begins) gives a tile its first values, and takes its last ones.
  template <class End>
  FASTCV_HD static void multiply(int rows, int columns, const Product& product, const End& end) {
#if FASTCV_DEVICE_CODE
    if constexpr (__CUDA_ARCH__ >= TensorCoreType<T>::kLeastArchitecture) {
      const int across = (columns + kTile - 1) / kTile, groups = (across + kTilesAtOnce - 1) / kTilesAtOnce;
      const int work = (rows + kTile - 1) / kTile * groups;
      for (int item = threadIdx.x / kWarp; item < work; item += kWarps) {
        const int i = item / groups * kTile, first = item % groups * kTilesAtOnce, j = first * kTile;
        const int count = min(kTilesAtOnce, across - first);
        Sums tiles[kTilesAtOnce];
#pragma unroll
        for (int k = 0; k < kTilesAtOnce; ++k) {
          if (k < count) end(i, j + k * kTile, tiles[k], true);
        }
        for (int k = 0; k < product.num_terms; ++k) {
          const auto& term = product.terms[k];
          term.left_depth == 1 ? add_term<nvcuda::wmma::row_major>(term, i, j, count, tiles)
                               : add_term<nvcuda::wmma::col_major>(term, i, j, count, tiles);
        }
#pragma unroll
        for (int k = 0; k < kTilesAtOnce; ++k) {
          if (k < count) end(i, j + k * kTile, tiles[k], false);
        }
      }
    } else {
      __trap();  // the host takes the other engine
    }
    mlp_sync();
#endif
  }
};

}  // namespace fastcv::cuda::nerf
