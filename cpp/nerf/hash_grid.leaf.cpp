// SPDX-License-Identifier: Apache-2.0
// The hash grid over blocks of points, level by level, so that a level's table stays in the cache. Compiled once per
// instruction set.
#include "nerf/hash_grid.h"

#include "core/lane_access.hd.h"
#include "nerf/grid_block.h"
#include "nerf/hash_grid.hd.h"
// The declarations come after what they mention.
#include "nerf/hash_grid.leaf.h"

namespace fastcv::FASTCV_ISA::nerf {
namespace {

using fastcv::nerf::GridBlock;
using fastcv::nerf::GridLevel;
using fastcv::nerf::GridTiles;
using fastcv::nerf::HashGrid;
using fastcv::nerf::kGridTile;

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

// Tiles lie too far apart for a processor to foresee which lines come next.
template <bool kToWrite = false, class P>
FASTCV_HD void prefetch_next_tile(P* at, std::int64_t width, int count) {
  constexpr int kLine = 64 / sizeof(P);
  FASTCV_UNROLL
  for (int k = 0; k < count; k += kLine) __builtin_prefetch(at + kGridTile * width + k, kToWrite);
}

template <int D, class W, class P, class T>
void encode_level(const HashGrid& grid, int l, const GridBlock<P>& block, const T* table, const GridTiles<P>& out) {
  using F = typename Sought<W>::Real;
  const GridLevel level = grid.levels[l];
  const int features = grid.features;
  const T* entries = table + level.offset * features;
  for (std::int64_t i = 0; i < block.count; i += GridLanes<F>::kCount) {
    const auto cell = cell_at<D, W>(grid, level, block, i);
    F weights[1 << D];
    cell.weights(weights);
    const auto store_pair = [&](int k) {
      const auto pair = interpolate_pair(cell, weights, entries, k);
      P* to = out.at(i, l, features, k);
      prefetch_next_tile<true>(to, out.width, 2 * GridLanes<F>::kCount);
      store_in_turns(to, pair.first, pair.second);
    };
    if (features == 2) {
      store_pair(0);
    } else if (features == 1) {
      GridLanes<F>::store(out.at(i, l, 1, 0), interpolate_one(cell, weights, entries));
    } else {
      for (int k = 0; k < features / 2; ++k) store_pair(k);
    }
  }
}

template <class F, class P>
FASTCV_HD Pair<F> load_pair(const P* from) {
  Pair<F> pair;
  load_in_turns(from, pair.first, pair.second);
  return pair;
}

// By pointers: GCC 12 sends copies of eight bytes through integer registers.
template <class P>
FASTCV_HD void add_pair(P* to, const P* values) {
  typedef P Two __attribute__((vector_size(2 * sizeof(P)), aligned(sizeof(P)), may_alias));
  *reinterpret_cast<Two*>(to) += *reinterpret_cast<const Two*>(values);
}

// So many points are added together, whatever the length of a vector: one corner of their cells after the other.
constexpr int kTogether = 16;

// What they add to two features (or the single one) of entries. First it is computed, by vectors: processors have other
// units for the additions, which come later.
template <int D, class P>
struct Additions {
  std::int32_t index[1 << D][kTogether];
  P values[1 << D][2 * kTogether];

  // grad: of the first one's first feature, as in a tile.
  template <class W>
  void compute(const HashGrid& grid, const GridLevel& level, const GridBlock<P>& block, std::int64_t i, const P* grad) {
    using F = typename Sought<W>::Real;
    for (int lane = 0; lane < kTogether; lane += GridLanes<F>::kCount) {
      const auto cell = cell_at<D, W>(grid, level, block, i + lane);
      F weights[1 << D];
      cell.weights(weights);
      if (grid.features == 1) {
        const F by = GridLanes<F>::load(grad + lane);
        FASTCV_UNROLL
        for (int c = 0; c < 1 << D; ++c) GridLanes<F>::store(values[c] + lane, weights[c] * by);
      } else {
        const auto by = load_pair<F>(grad + 2 * lane);
        FASTCV_UNROLL
        for (int c = 0; c < 1 << D; ++c) {
          store_in_turns(values[c] + 2 * lane, weights[c] * by.first, weights[c] * by.second);
        }
      }
      FASTCV_UNROLL
      for (int c = 0; c < 1 << D; ++c) store(index[c] + lane, cell.index[c]);
    }
  }

  void add_pairs(P* entries, int count) const {
    for (int c = 0; c < 1 << D; ++c) {
#pragma GCC unroll 8
      for (int lane = 0; lane < count; ++lane) {
        add_pair(entries + 2 * std::int64_t(index[c][lane]), values[c] + 2 * lane);
      }
    }
  }
  void add_ones(P* entries, int count) const {
    for (int c = 0; c < 1 << D; ++c) {
      for (int lane = 0; lane < count; ++lane) entries[index[c][lane]] += values[c][lane];
    }
  }
};

template <int D, class W, class P>
void scatter_level(const HashGrid& grid, int l, const GridBlock<P>& block, const GridTiles<const P>& grad, P* out) {
  const GridLevel level = grid.levels[l];
  P* entries = out + level.offset * grid.features;
  Additions<D, P> additions;
  for (std::int64_t i = 0; i < block.count; i += kTogether) {
    const std::int64_t left = block.count - i;
    for (int k = 0; k < (grid.features + 1) / 2; ++k) {
      const P* by_features = grad.at(i, l, grid.features, k);
      prefetch_next_tile(by_features, grad.width, 2 * kTogether);
      additions.template compute<W>(grid, level, block, i, by_features);
      if (grid.features == 1) {
        additions.add_ones(entries, left < kTogether ? static_cast<int>(left) : kTogether);
      } else if (left < kTogether) {
        additions.add_pairs(entries + 2 * k, static_cast<int>(left));
      } else {
        additions.add_pairs(entries + 2 * k, kTogether);
      }
    }
  }
}

template <int D, class W, class P, class T>
void differentiate_level(const HashGrid& grid, int l, const GridBlock<P>& block, const T* table,
                         const GridTiles<const P>& grad, P* out) {
  using F = typename Sought<W>::Real;
  const GridLevel level = grid.levels[l];
  const int features = grid.features;
  const T* entries = table + level.offset * features;
  for (std::int64_t i = 0; i < block.count; i += GridLanes<F>::kCount) {
    const auto cell = cell_at<D, W>(grid, level, block, i);
    F corners[1 << D] = {};
    if (features == 1) {
      add_one_by_gradient(cell, entries, GridLanes<F>::load(grad.at(i, l, 1, 0)), corners);
    }
    for (int k = 0; k < features / 2; ++k) {
      const P* by_features = grad.at(i, l, features, k);
      prefetch_next_tile(by_features, grad.width, 2 * GridLanes<F>::kCount);
      add_pair_by_gradient(cell, entries, k, load_pair<F>(by_features), corners);
    }
    FASTCV_UNROLL
    for (int d = 0; d < D; ++d) {
      P* sum = out + d * block.stride + i;
      GridLanes<F>::store(sum, GridLanes<F>::load(sum) + cell.derivative(d, corners));
    }
  }
}

}  // namespace

template <class P, class T>
void hash_grid(const HashGrid& grid, int level, const GridBlock<P>& block, const T* table, const GridTiles<P>& out) {
  with_shape(grid, block, [&]<int D, class W>() { encode_level<D, W>(grid, level, block, table, out); });
}

template <class P>
void hash_grid_table_vjp(const HashGrid& grid, int level, const GridBlock<P>& block, const GridTiles<const P>& grad,
                         P* out) {
  with_shape(grid, block, [&]<int D, class W>() { scatter_level<D, W>(grid, level, block, grad, out); });
}

template <class P, class T>
void hash_grid_points_vjp(const HashGrid& grid, int level, const GridBlock<P>& block, const T* table,
                          const GridTiles<const P>& grad, P* out) {
  with_shape(grid, block, [&]<int D, class W>() { differentiate_level<D, W>(grid, level, block, table, grad, out); });
}

#define FASTCV_INSTANTIATE(P, T)                                                                                     \
  template void hash_grid(const HashGrid&, int, const GridBlock<P>&, const T*, const GridTiles<P>&);                 \
  template void hash_grid_points_vjp(const HashGrid&, int, const GridBlock<P>&, const T*, const GridTiles<const P>&, \
                                     P*);
FASTCV_INSTANTIATE(float, float)
FASTCV_INSTANTIATE(float, Half)
FASTCV_INSTANTIATE(double, double)
#undef FASTCV_INSTANTIATE
template void hash_grid_table_vjp(const HashGrid&, int, const GridBlock<float>&, const GridTiles<const float>&, float*);
template void hash_grid_table_vjp(const HashGrid&, int, const GridBlock<double>&, const GridTiles<const double>&,
                                  double*);

}  // namespace fastcv::FASTCV_ISA::nerf
