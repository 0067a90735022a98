// SPDX-License-Identifier: Apache-2.0
// The hash grid at one point (or vector of points) and level: where its cell's corners lie in the table, how they are
// weighted, and how weights change with the point.
#pragma once

#include "nerf/along.hd.h"
#include "nerf/hash_grid.h"
#include "nerf/table_lanes.hd.h"

namespace fastcv::FASTCV_ISA {

// Along one axis: the cell, the weight of its upper vertex, and that weight's derivatives by the coordinate.
template <class F>
struct GridAxis {
  IntOf<F> cell;
  F upper, slope, curvature;
};

// Vertices lie at (i - 1/2) / scale, so that those of different levels do not coincide (Mueller et al. 2022, appendix
// A). A coordinate beside [0, 1] counts as the nearest in it, NaN as 0, and moving it changes nothing.
template <class F>
FASTCV_HD GridAxis<F> grid_axis(F x, float scale, bool smooth) {
  const F inside = smaller(larger(x, F{}), F{} + 1.0F), at = inside * scale + 0.5F;
  const IntOf<F> cell = to_int(at);
  const F t = at - GridLanes<F>::real(cell), by_x = select(x == inside, F{} + scale, F{});
  if (!smooth) return {cell, t, by_x, F{}};
  return {cell, t * t * (3.0F - 2.0F * t), 6.0F * t * (1.0F - t) * by_x, (6.0F - 12.0F * t) * by_x * by_x};
}

// A number of each of a cell's corners. Corner c is the upper one along axis d where bit d of c is set; `factors`
// belong to the axes.
template <int D, class U, class Join>
FASTCV_HD void join_corners(const U (&cell)[D], const std::uint32_t (&factors)[D], const Join& join,
                            U (&result)[1 << D]) {
  result[0] = cell[0] * factors[0];
  result[1] = result[0] + factors[0];
  FASTCV_UNROLL
  for (int d = 1; d < D; ++d) {
    const U lower = cell[d] * factors[d], upper = lower + factors[d];
    FASTCV_UNROLL
    for (int c = 0; c < 1 << d; ++c) {
      result[c | 1 << d] = join(result[c], upper);
      result[c] = join(result[c], lower);
    }
  }
}

// Entries of a cell's corners.
template <int D, class F>
FASTCV_HD void grid_corners(const nerf::GridLevel& level, const IntOf<F> (&cell)[D], IntOf<F> (&index)[1 << D]) {
  using U = typename GridLanes<F>::Unsigned;
  using I = IntOf<F>;
  // Source: Teschner et al. 2003, "Optimized spatial hashing", with the primes of tiny-cuda-nn's grid.
  constexpr std::uint32_t kPrimes[4] = {1U, 2654435761U, 805459861U, 3674653429U};
  const auto size = static_cast<std::uint32_t>(level.size);
  U coordinates[D], at[1 << D];
  std::uint32_t factors[D];
  FASTCV_UNROLL
  for (int d = 0; d < D; ++d) coordinates[d] = (U)cell[d];
  if (level.indexing == nerf::GridIndexing::hashed) {
    FASTCV_UNROLL
    for (int d = 0; d < D; ++d) factors[d] = kPrimes[d];
    join_corners<D>(
        coordinates, factors, [](U a, U b) { return a ^ b; }, at);
    FASTCV_UNROLL
    for (int c = 0; c < 1 << D; ++c) index[c] = (I)(at[c] & (size - 1));
    return;
  }
  FASTCV_UNROLL
  for (int d = 0; d < D; ++d) {
    factors[d] = d == 0 ? 1 : factors[d - 1] * static_cast<std::uint32_t>(level.resolution);
  }
  join_corners<D>(
      coordinates, factors, [](U a, U b) { return a + b; }, at);
  FASTCV_UNROLL
  for (int c = 0; c < 1 << D; ++c) index[c] = (I)at[c];
  if (level.indexing == nerf::GridIndexing::tiled) {
    FASTCV_UNROLL
    for (int c = 0; c < 1 << D; ++c) index[c] = (I)remainder(at[c], size);
  } else if (any(index[(1 << D) - 1] >= level.size)) {
    // Rare: an axis' last vertices are the next one's first, up to twice as far.
    FASTCV_UNROLL
    for (int c = 0; c < 1 << D; ++c) index[c] = select(index[c] >= level.size, (I)(at[c] - size), index[c]);
  }
}

template <int D, class W>
struct GridCell {
  using F = typename Sought<W>::Real;

  W upper[D], slope[D];    // the weight of the upper vertex along each axis, and its derivative
  IntOf<F> index[1 << D];  // of the corners' entries, in pairs of values unless an entry is a single one

  // v: the tangent, which does not matter where W is F.
  FASTCV_HD GridCell(const nerf::HashGrid& grid, const nerf::GridLevel& level, const F (&x)[D], const F (&v)[D]) {
    IntOf<F> cell[D];
    FASTCV_UNROLL
    for (int d = 0; d < D; ++d) {
      const GridAxis<F> axis = grid_axis(x[d], level.scale, grid.smooth);
      cell[d] = axis.cell;
      upper[d] = Sought<W>::number(axis.upper, v[d] * axis.slope);
      slope[d] = Sought<W>::number(axis.slope, v[d] * axis.curvature);
    }
    grid_corners<D, F>(level, cell, index);
    if (grid.features > 2) {
      FASTCV_UNROLL
      for (int c = 0; c < 1 << D; ++c) index[c] = index[c] * (grid.features / 2);
    }
  }

  FASTCV_HD void weights(F (&result)[1 << D]) const {
    W product[1 << D];
    product[0] = Sought<W>::constant(F{} + 1.0F) - upper[0];
    product[1] = upper[0];
    FASTCV_UNROLL
    for (int d = 1; d < D; ++d) {
      FASTCV_UNROLL
      for (int c = 0; c < 1 << d; ++c) {
        const W below = product[c];
        product[c | 1 << d] = below * upper[d];
        product[c] = below * (Sought<W>::constant(F{} + 1.0F) - upper[d]);
      }
    }
    FASTCV_UNROLL
    for (int c = 0; c < 1 << D; ++c) result[c] = Sought<W>::of(product[c]);
  }

  // The derivative by coordinate `axis` of the interpolation of values at the corners: their differences along the
  // axis, interpolated along the others.
  FASTCV_HD F derivative(int axis, const F (&corners)[1 << D]) const {
    W values[1 << (D - 1)];
    const int low = (1 << axis) - 1;
    FASTCV_UNROLL
    for (int i = 0; i < 1 << (D - 1); ++i) {
      const int c = (i & ~low) << 1 | (i & low);
      values[i] = Sought<W>::constant(corners[c | 1 << axis] - corners[c]);
    }
    FASTCV_UNROLL
    for (int k = 0; k < D - 1; ++k) {  // the lowest bit first
      const W& weight = upper[k < axis ? k : k + 1];
      FASTCV_UNROLL
      for (int i = 0; i < 1 << (D - 2 - k); ++i) {
        values[i] = values[2 * i] + weight * (values[2 * i + 1] - values[2 * i]);
      }
    }
    return Sought<W>::of(slope[axis] * values[0]);
  }
};

// Features 2 k and 2 k + 1 of a level, or its only one.
template <int D, class W, class T>
FASTCV_HD auto interpolate_pair(const GridCell<D, W>& cell, const typename GridCell<D, W>::F (&weights)[1 << D],
                                const T* entries, int k) {
  using F = typename GridCell<D, W>::F;
  Pair<F> sum{F{}, F{}};
  FASTCV_UNROLL
  for (int c = 0; c < 1 << D; ++c) {
    const Pair<F> value = read_pair(entries + 2 * k, cell.index[c]);
    sum.first = sum.first + weights[c] * value.first;
    sum.second = sum.second + weights[c] * value.second;
  }
  return sum;
}
template <int D, class W, class T>
FASTCV_HD auto interpolate_one(const GridCell<D, W>& cell, const typename GridCell<D, W>::F (&weights)[1 << D],
                               const T* entries) {
  typename GridCell<D, W>::F sum{};
  FASTCV_UNROLL
  for (int c = 0; c < 1 << D; ++c) sum = sum + weights[c] * read_one(entries, cell.index[c]);
  return sum;
}

// Adds to every corner's value what features 2 k and 2 k + 1 (or the only one) weigh in the gradient.
template <int D, class W, class T>
FASTCV_HD void add_pair_by_gradient(const GridCell<D, W>& cell, const T* entries, int k,
                                    const Pair<typename GridCell<D, W>::F>& grad,
                                    typename GridCell<D, W>::F (&corners)[1 << D]) {
  FASTCV_UNROLL
  for (int c = 0; c < 1 << D; ++c) {
    const auto value = read_pair(entries + 2 * k, cell.index[c]);
    corners[c] = corners[c] + (value.first * grad.first + value.second * grad.second);
  }
}
template <int D, class W, class T>
FASTCV_HD void add_one_by_gradient(const GridCell<D, W>& cell, const T* entries, typename GridCell<D, W>::F grad,
                                   typename GridCell<D, W>::F (&corners)[1 << D]) {
  FASTCV_UNROLL
  for (int c = 0; c < 1 << D; ++c) corners[c] = corners[c] + read_one(entries, cell.index[c]) * grad;
}

}  // namespace fastcv::FASTCV_ISA
