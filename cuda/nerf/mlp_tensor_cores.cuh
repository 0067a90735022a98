// SPDX-License-Identifier: Apache-2.0
// The engine of a GPU in half precision: warps of a block of threads multiply matrices on tensor cores. See
// nerf/mlp_block.hd.h.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <mma.h>

#include "nerf/mlp_threads.hd.h"

namespace fastcv::cuda::nerf {

// Host code sees these functions too (they are called by functions of both sides), but not what they do.
#ifdef __CUDA_ARCH__
#define FASTCV_DEVICE_CODE 1
#else
#define FASTCV_DEVICE_CODE 0
#endif

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
struct MlpTensorCores : gpu::MlpTogether<T, float> {
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
  static constexpr int kTile = 16, kTilesAtOnce = 4, kWarp = 32, kWarps = gpu::kMlpThreads / kWarp;
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
    gpu::mlp_sync();
#endif
  }
};

#undef FASTCV_DEVICE_CODE

}  // namespace fastcv::cuda::nerf
