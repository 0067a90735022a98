// SPDX-License-Identifier: Apache-2.0
// The hash grid's operations for one point (and one level), as GPUs run them.
#pragma once

#include "nerf/hash_grid.hd.h"

namespace fastcv::FASTCV_ISA {

template <int D, class W, class P>
struct GridElement {
  nerf::HashGrid grid;
  nerf::GridPoints<P> points;

  FASTCV_HD GridCell<D, W> cell(int level, std::int64_t row) const {
    P x[D], v[D];
    for (int d = 0; d < D; ++d) {
      x[d] = points.points[row * D + d];
      v[d] = points.tangents == nullptr ? P(0) : points.tangents[row * D + d];
    }
    return {grid, grid.levels[level], x, v};
  }
  template <class T>
  FASTCV_HD T* entries(T* table, int level) const {
    return table + grid.levels[level].offset * grid.features;
  }
  // Of a level's features of a point, in an array of (rows, width).
  FASTCV_HD std::int64_t at(int level, std::int64_t row) const {
    return row * grid.width() + std::int64_t(level) * grid.features;
  }
};

template <int D, class W, class P, class T>
struct HashGridOne {
  GridElement<D, W, P> element;
  const T* table;
  P* out;

  FASTCV_HD void operator()(int level, std::int64_t row) const {
    const int features = element.grid.features;
    P* to = out + element.at(level, row);
    if (level >= element.grid.num_active) {
      for (int k = 0; k < features; ++k) to[k] = 0;
      return;
    }
    const auto cell = element.cell(level, row);
    const T* entries = element.entries(table, level);
    P weights[1 << D];
    cell.weights(weights);
    if (features == 1) to[0] = interpolate_one(cell, weights, entries);
    for (int k = 0; k < features / 2; ++k) {
      const Pair<P> pair = interpolate_pair(cell, weights, entries, k);
      to[2 * k] = pair.first;
      to[2 * k + 1] = pair.second;
    }
  }
};

// add(place in the table's gradient, value): threads add to the same places. Active levels only.
template <int D, class W, class P, class Add>
struct HashGridTableVjpOne {
  GridElement<D, W, P> element;
  const P* grad;
  Add add;

  FASTCV_HD void operator()(int level, std::int64_t row) const {
    const int features = element.grid.features;
    const std::int64_t entries = element.grid.levels[level].offset * features;
    const auto cell = element.cell(level, row);
    const P* by_features = grad + element.at(level, row);
    P weights[1 << D];
    cell.weights(weights);
    for (int c = 0; c < 1 << D; ++c) {
      const std::int64_t entry = entries + (features == 1 ? 1 : 2) * std::int64_t(cell.index[c]);
      for (int k = 0; k < features; ++k) add(entry + k, weights[c] * by_features[k]);
    }
  }
};

// Index i counts points: the levels' parts are added in order.
template <int D, class W, class P, class T>
struct HashGridPointsVjpOne {
  GridElement<D, W, P> element;
  const T* table;
  const P* grad;
  P* out;

  FASTCV_HD void operator()(std::int64_t row) const {
    P sum[D] = {};
    for (int level = 0; level < element.grid.num_active; ++level) {
      const auto cell = element.cell(level, row);
      const T* entries = element.entries(table, level);
      const P* by_features = grad + element.at(level, row);
      P corners[1 << D] = {};
      if (element.grid.features == 1) add_one_by_gradient(cell, entries, by_features[0], corners);
      for (int k = 0; k < element.grid.features / 2; ++k) {
        add_pair_by_gradient(cell, entries, k, Pair<P>{by_features[2 * k], by_features[2 * k + 1]}, corners);
      }
      for (int d = 0; d < D; ++d) sum[d] += cell.derivative(d, corners);
    }
    for (int d = 0; d < D; ++d) out[row * D + d] = sum[d];
  }
};

// On the host: calls run(GridElement) of the grid's dimensions, with derivatives along tangents where there are any.
template <class P, class Run>
void with_grid_element(const nerf::HashGrid& grid, const nerf::GridPoints<P>& points, const Run& run) {
  const bool along = points.tangents != nullptr;
  switch (grid.dims) {
    case 2:
      return along ? run(GridElement<2, Along<P>, P>{grid, points}) : run(GridElement<2, P, P>{grid, points});
    case 3:
      return along ? run(GridElement<3, Along<P>, P>{grid, points}) : run(GridElement<3, P, P>{grid, points});
    default:
      return along ? run(GridElement<4, Along<P>, P>{grid, points}) : run(GridElement<4, P, P>{grid, points});
  }
}

}  // namespace fastcv::FASTCV_ISA
