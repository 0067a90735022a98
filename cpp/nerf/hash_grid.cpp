// SPDX-License-Identifier: Apache-2.0
// Splits the hash grid's work over threads: blocks of points, and for the table's gradient, whose entries many points
// add to, levels. A level belongs to one thread at a time and takes its points in order, so nothing is atomic and no
// sum depends on the number of threads.
#include "nerf/hash_grid.h"

#include <algorithm>
#include <memory>

#include "core/huge_pages.h"
#include "core/parallel.h"
#include "nerf/grid_block.h"
#include "nerf/transpose.h"

#define FASTCV_LEAF "nerf/hash_grid.leaf.h"
#include "core/leaf.h"

namespace fastcv::nerf {
namespace {

template <class P, class T>
void encode_block(const HashGrid& grid, int level, const GridBlock<P>& block, const T* table, P* out) {
  FASTCV_DISPATCH(nerf::hash_grid(grid, level, block, table, out));
}
template <class P>
void table_vjp_block(const HashGrid& grid, int level, const GridBlock<P>& block, P* out) {
  FASTCV_DISPATCH(nerf::hash_grid_table_vjp(grid, level, block, out));
}
template <class P, class T>
void points_vjp_block(const HashGrid& grid, const GridBlock<P>& block, const T* table, P* out) {
  FASTCV_DISPATCH(nerf::hash_grid_points_vjp(grid, block, table, out));
}

// A block of points as columns, with `features` columns more.
template <class P>
class Columns {
 public:
  // For up to `most` points.
  Columns(const HashGrid& grid, const GridPoints<P>& points, std::int64_t features, std::int64_t most)
      : dims_(grid.dims),
        points_(points),
        // One vector more than is needed: columns a power of two apart would share a few lines of the cache.
        stride_((most / kLongestVector + 2) * kLongestVector),
        values_(new P[static_cast<std::size_t>((2 * dims_ + features) * stride_)]) {}

  // Rows [first, first + count) of the block that begins at row `begin`.
  void read(std::int64_t begin, std::int64_t first, std::int64_t count) {
    const std::int64_t from = (begin + first) * dims_;
    transpose(points_.points + from, count, dims_, dims_, values_.get() + first, stride_);
    if (points_.tangents == nullptr) return;
    transpose(points_.tangents + from, count, dims_, dims_, values_.get() + dims_ * stride_ + first, stride_);
  }
  // With the gradients by the features of active levels, rows of `grad`.
  void read(const HashGrid& grid, std::int64_t begin, std::int64_t first, std::int64_t count, const P* grad) {
    read(begin, first, count);
    const std::int64_t width = grid.width(), active = grid.num_active * grid.features;
    transpose(grad + (begin + first) * width, count, active, width, features() + first, stride_);
  }

  P* features() const { return values_.get() + 2 * dims_ * stride_; }
  std::int64_t stride() const { return stride_; }
  GridBlock<P> block(std::int64_t count) const {
    const P* tangents = points_.tangents == nullptr ? nullptr : values_.get() + dims_ * stride_;
    return {values_.get(), tangents, features(), stride_, count};
  }

 private:
  const std::int64_t dims_;
  const GridPoints<P> points_;
  const std::int64_t stride_;
  const std::unique_ptr<P[]> values_;  // of a vector's unused lanes, any
};

// Points that a thread takes at a time: the more they are, the more often a level's table is read from the cache, but
// there should be work for every thread. No result depends on it.
std::int64_t block_size(std::int64_t rows, int num_threads) {
  constexpr std::int64_t kLeast = 1 << 9, kMost = 1 << 16;
  if (num_threads <= 0) num_threads = default_num_threads();
  return std::clamp(rows / (2 * std::int64_t(num_threads)) + 1, kLeast, kMost);
}

}  // namespace

template <class P, class T>
void hash_grid(const HashGrid& grid, const GridPoints<P>& points, const T* table, P* out, int num_threads) {
  advise_huge_pages(out, static_cast<std::size_t>(points.rows * grid.width()) * sizeof(P));
  // So many levels are written together that they fill whole lines of the cache.
  const int group = std::max(1, int(64 / sizeof(P)) / grid.features);
  const std::int64_t width = grid.width(), active = grid.num_active * grid.features;
  parallel_for(points.rows, block_size(points.rows, num_threads), num_threads,
               [&](std::int64_t begin, std::int64_t end) {
                 const std::int64_t count = end - begin;
                 Columns<P> columns(grid, points, group * grid.features, count);
                 columns.read(begin, 0, count);
                 for (int first = 0; first < grid.num_active; first += group) {
                   const int last = std::min(first + group, grid.num_active);
                   for (int l = first; l < last; ++l) {
                     P* features = columns.features() + (l - first) * grid.features * columns.stride();
                     encode_block(grid, l, columns.block(count), table, features);
                   }
                   transpose(columns.features(), (last - first) * grid.features, count, columns.stride(),
                             out + begin * width + first * grid.features, width);
                 }
                 for (std::int64_t i = begin; i < end && active < width; ++i)
                   std::fill_n(out + i * width + active, width - active, P(0));
               });
}

template <class P, class T>
void hash_grid_points_vjp(const HashGrid& grid, const GridPoints<P>& points, const T* table, const P* grad, P* out,
                          int num_threads) {
  parallel_for(points.rows, block_size(points.rows, num_threads), num_threads,
               [&](std::int64_t begin, std::int64_t end) {
                 Columns<P> columns(grid, points, grid.num_active * grid.features, end - begin);
                 columns.read(grid, begin, 0, end - begin, grad);
                 points_vjp_block(grid, columns.block(end - begin), table, out + begin * grid.dims);
               });
}

template <class P>
void hash_grid_table_vjp(const HashGrid& grid, const GridPoints<P>& points, const P* grad, P* out,
                         std::int64_t num_entries, int num_threads) {
  constexpr std::int64_t kBlock = 1 << 16, kRows = 1 << 11, kValues = 1 << 18;
  advise_huge_pages(out, static_cast<std::size_t>(num_entries * grid.features) * sizeof(P));
  parallel_for(num_entries * grid.features, kValues, num_threads,
               [&](std::int64_t begin, std::int64_t end) { std::fill(out + begin, out + end, P(0)); });
  Columns<P> columns(grid, points, grid.num_active * grid.features, std::min(points.rows, kBlock));
  for (std::int64_t begin = 0; begin < points.rows; begin += kBlock) {
    const std::int64_t count = std::min(kBlock, points.rows - begin);
    parallel_for(count, kRows, num_threads,
                 [&](std::int64_t first, std::int64_t end) { columns.read(grid, begin, first, end - first, grad); });
    // The finest levels, which take longest, first.
    parallel_for(grid.num_active, 1, num_threads, [&](std::int64_t task, std::int64_t) {
      table_vjp_block(grid, grid.num_active - 1 - static_cast<int>(task), columns.block(count), out);
    });
  }
}

#define FASTCV_INSTANTIATE(P, T)                                                     \
  template void hash_grid(const HashGrid&, const GridPoints<P>&, const T*, P*, int); \
  template void hash_grid_points_vjp(const HashGrid&, const GridPoints<P>&, const T*, const P*, P*, int);
FASTCV_INSTANTIATE(float, float)
FASTCV_INSTANTIATE(float, Half)
FASTCV_INSTANTIATE(double, double)
#undef FASTCV_INSTANTIATE
template void hash_grid_table_vjp(const HashGrid&, const GridPoints<float>&, const float*, float*, std::int64_t, int);
template void hash_grid_table_vjp(const HashGrid&, const GridPoints<double>&, const double*, double*, std::int64_t,
                                  int);

}  // namespace fastcv::nerf
