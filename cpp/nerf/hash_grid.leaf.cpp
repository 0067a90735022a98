// SPDX-License-Identifier: Apache-2.0
// The hash grid over blocks of points, level by level, so that a level's table stays in the cache. Compiled once per
// instruction set.
#include "nerf/hash_grid.h"

#include "nerf/grid_block.h"
#include "nerf/hash_grid.hd.h"
// The declarations come after what they mention.
#include "nerf/hash_grid.leaf.h"

namespace fastcv::FASTCV_ISA::nerf {
namespace {

using fastcv::nerf::GridBlock;
using fastcv::nerf::GridLevel;
using fastcv::nerf::HashGrid;

template <class P>
struct VectorOf {
  using Type = P;
};
template <>
struct VectorOf<float> {
  using Type = Floats;
};

// Calls run.template operator()<D, W>().
template <class P, class Run>
void with_shape(const HashGrid& grid, const GridBlock<P>& block, const Run& run) {
  using F = typename VectorOf<P>::Type;
  const auto with_dims = [&]<class W>() {
    if (grid.dims == 2) return run.template operator()<2, W>();
    if (grid.dims == 3) return run.template operator()<3, W>();
    run.template operator()<4, W>();
  };
  block.tangents == nullptr ? with_dims.template operator()<F>() : with_dims.template operator()<Along<F>>();
}

template <int D, class W, class P>
FASTCV_HD GridCell<D, W> cell_at(const HashGrid& grid, const GridLevel& level, const GridBlock<P>& block,
                                 std::int64_t i) {
  using F = typename Sought<W>::Real;
  F x[D], v[D];
  FASTCV_UNROLL
  for (int d = 0; d < D; ++d) {
    x[d] = GridLanes<F>::load(block.points + d * block.stride + i);
    v[d] = block.tangents == nullptr ? F{} : GridLanes<F>::load(block.tangents + d * block.stride + i);
  }
  return {grid, level, x, v};
}

template <class F, class P>
int lanes_left(const GridBlock<P>& block, std::int64_t i) {
  constexpr int kCount = GridLanes<F>::kCount;
  return block.count - i < kCount ? static_cast<int>(block.count - i) : kCount;
}

template <int D, class W, class P, class T>
void encode_level(const HashGrid& grid, int l, const GridBlock<P>& block, const T* table, P* columns) {
  using F = typename Sought<W>::Real;
  const GridLevel level = grid.levels[l];
  const T* entries = table + level.offset * grid.features;
  for (std::int64_t i = 0; i < block.count; i += GridLanes<F>::kCount) {
    const auto cell = cell_at<D, W>(grid, level, block, i);
    F weights[1 << D];
    cell.weights(weights);
    if (grid.features == 1) GridLanes<F>::store(columns + i, interpolate_one(cell, weights, entries));
    for (int k = 0; k < grid.features / 2; ++k) {
      const auto pair = interpolate_pair(cell, weights, entries, k);
      GridLanes<F>::store(columns + 2 * k * block.stride + i, pair.first);
      GridLanes<F>::store(columns + (2 * k + 1) * block.stride + i, pair.second);
    }
  }
}

template <class P>
void add_pair(P* to, const P* values) {
  typedef P Two __attribute__((vector_size(2 * sizeof(P))));
  Two sum, value;
  __builtin_memcpy(&sum, to, sizeof sum);
  __builtin_memcpy(&value, values, sizeof value);
  sum = sum + value;
  __builtin_memcpy(to, &sum, sizeof sum);
}

// Entries change in the order of points and of a cell's corners, whatever the length of a vector.
template <int D, class W, class P>
void scatter_level(const HashGrid& grid, int l, const GridBlock<P>& block, P* out) {
  using F = typename Sought<W>::Real;
  constexpr int kCount = GridLanes<F>::kCount, kCorners = 1 << D;
  const GridLevel level = grid.levels[l];
  P* entries = out + level.offset * grid.features;
  const P* grads = block.grads + l * grid.features * block.stride;
  P values[kCorners][2 * kCount] = {};
  for (std::int64_t i = 0; i < block.count; i += kCount) {
    const auto cell = cell_at<D, W>(grid, level, block, i);
    F weights[kCorners];
    cell.weights(weights);
    std::int32_t index[kCorners][kCount];
    __builtin_memcpy(index, cell.index, sizeof index);
    const int count = lanes_left<F>(block, i);
    if (grid.features == 1) {
      const F grad = GridLanes<F>::load(grads + i);
      for (int c = 0; c < kCorners; ++c) GridLanes<F>::store(values[c], weights[c] * grad);
      for (int lane = 0; lane < count; ++lane) {
        for (int c = 0; c < kCorners; ++c) entries[index[c][lane]] += values[c][lane];
      }
    }
    for (int k = 0; k < grid.features / 2; ++k) {
      const F first = GridLanes<F>::load(grads + 2 * k * block.stride + i);
      const F second = GridLanes<F>::load(grads + (2 * k + 1) * block.stride + i);
      FASTCV_UNROLL
      for (int c = 0; c < kCorners; ++c) store_in_turns(values[c], weights[c] * first, weights[c] * second);
      for (int lane = 0; lane < count; ++lane) {
        FASTCV_UNROLL
        for (int c = 0; c < kCorners; ++c) {
          add_pair(entries + 2 * (std::int64_t(index[c][lane]) + k), values[c] + 2 * lane);
        }
      }
    }
  }
}

template <int D, class W, class P, class T>
void differentiate_level(const HashGrid& grid, int l, const GridBlock<P>& block, const T* table, P* out) {
  using F = typename Sought<W>::Real;
  const GridLevel level = grid.levels[l];
  const T* entries = table + level.offset * grid.features;
  const P* grads = block.grads + l * grid.features * block.stride;
  P values[GridLanes<F>::kCount] = {};
  for (std::int64_t i = 0; i < block.count; i += GridLanes<F>::kCount) {
    const auto cell = cell_at<D, W>(grid, level, block, i);
    F corners[1 << D] = {};
    if (grid.features == 1) add_one_by_gradient(cell, entries, GridLanes<F>::load(grads + i), corners);
    for (int k = 0; k < grid.features / 2; ++k) {
      const Pair<F> grad{GridLanes<F>::load(grads + 2 * k * block.stride + i),
                         GridLanes<F>::load(grads + (2 * k + 1) * block.stride + i)};
      add_pair_by_gradient(cell, entries, k, grad, corners);
    }
    const int count = lanes_left<F>(block, i);
    FASTCV_UNROLL
    for (int d = 0; d < D; ++d) {
      GridLanes<F>::store(values, cell.derivative(d, corners));
      for (int lane = 0; lane < count; ++lane) out[(i + lane) * D + d] += values[lane];
    }
  }
}

}  // namespace

template <class P, class T>
void hash_grid(const HashGrid& grid, int level, const GridBlock<P>& block, const T* table, P* out) {
  with_shape(grid, block, [&]<int D, class W>() { encode_level<D, W>(grid, level, block, table, out); });
}

template <class P>
void hash_grid_table_vjp(const HashGrid& grid, int level, const GridBlock<P>& block, P* out) {
  with_shape(grid, block, [&]<int D, class W>() { scatter_level<D, W>(grid, level, block, out); });
}

template <class P, class T>
void hash_grid_points_vjp(const HashGrid& grid, const GridBlock<P>& block, const T* table, P* out) {
  for (std::int64_t i = 0; i < block.count * grid.dims; ++i) out[i] = 0;
  with_shape(grid, block, [&]<int D, class W>() {
    for (int l = 0; l < grid.num_active; ++l) differentiate_level<D, W>(grid, l, block, table, out);
  });
}

#define FASTCV_INSTANTIATE(P, T)                                                    \
  template void hash_grid(const HashGrid&, int, const GridBlock<P>&, const T*, P*); \
  template void hash_grid_points_vjp(const HashGrid&, const GridBlock<P>&, const T*, P*);
FASTCV_INSTANTIATE(float, float)
FASTCV_INSTANTIATE(float, Half)
FASTCV_INSTANTIATE(double, double)
#undef FASTCV_INSTANTIATE
template void hash_grid_table_vjp(const HashGrid&, int, const GridBlock<float>&, float*);
template void hash_grid_table_vjp(const HashGrid&, int, const GridBlock<double>&, double*);

}  // namespace fastcv::FASTCV_ISA::nerf
