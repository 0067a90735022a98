// SPDX-License-Identifier: Apache-2.0
// Splits the hash grid's work over threads: blocks of points, and for the table's gradient, whose entries many points
// add to, levels. A level belongs to one thread at a time and takes its points in order, so nothing is atomic and no
// sum depends on the number of threads.
#include "nerf/hash_grid.h"

#include <algorithm>
#include <memory>

#include "core/parallel.h"
#include "nerf/grid_block.h"
#include "nerf/transpose.h"

#define FASTCV_LEAF "nerf/hash_grid.leaf.h"
#include "core/leaf.h"

namespace fastcv::nerf {
namespace {

template <class P, class T>
void encode_block(const HashGrid& grid, const GridBlock<P>& block, const T* table, P* out) {
  FASTCV_DISPATCH(nerf::hash_grid(grid, block, table, out));
}
template <class P>
void table_vjp_block(const HashGrid& grid, int level, const GridBlock<P>& block, P* out) {
  FASTCV_DISPATCH(nerf::hash_grid_table_vjp(grid, level, block, out));
}
template <class P, class T>
void points_vjp_block(const HashGrid& grid, const GridBlock<P>& block, const T* table, P* out) {
  FASTCV_DISPATCH(nerf::hash_grid_points_vjp(grid, block, table, out));
}

// A block of points as columns, with their features or the gradients by those.
template <class P>
class Columns {
 public:
  // For up to `most` points.
  Columns(const HashGrid& grid, const GridPoints<P>& points, std::int64_t most)
      : dims_(grid.dims),
        width_(grid.num_active * grid.features),
        row_(grid.width()),
        points_(points),
        // One vector more than is needed: columns a power of two apart would share a few lines of the cache.
        stride_((most / kLongestVector + 2) * kLongestVector),
        values_(new P[static_cast<std::size_t>((2 * dims_ + width_) * stride_)]) {}

  // Rows [first, first + count) of the block that begins at row `begin`. grad: (rows, width) or null.
  void read(std::int64_t begin, std::int64_t first, std::int64_t count, const P* grad) {
    const std::int64_t row = begin + first;
    transpose(points_.points + row * dims_, count, dims_, dims_, values_.get() + first, stride_);
    if (points_.tangents != nullptr) {
      transpose(points_.tangents + row * dims_, count, dims_, dims_, values_.get() + dims_ * stride_ + first, stride_);
    }
    if (grad != nullptr) transpose(grad + row * row_, count, width_, row_, features() + first, stride_);
  }
  // The features, as rows.
  void write(std::int64_t count, P* rows) const {
    transpose(features(), width_, count, stride_, rows, row_);
    for (std::int64_t i = 0; i < count && width_ < row_; ++i)
      std::fill(rows + i * row_ + width_, rows + (i + 1) * row_, P(0));
  }

  P* features() const { return values_.get() + 2 * dims_ * stride_; }
  GridBlock<P> block(std::int64_t count) const {
    const P* tangents = points_.tangents == nullptr ? nullptr : values_.get() + dims_ * stride_;
    return {values_.get(), tangents, features(), stride_, count};
  }

 private:
  const std::int64_t dims_, width_, row_;
  const GridPoints<P> points_;
  const std::int64_t stride_;
  const std::unique_ptr<P[]> values_;  // of a vector's unused lanes, any
};

// Calls run(columns, first row, rows) for all points. A level's table is read from the cache the more often, the larger
// a block is; its columns should stay there too.
template <class P, class Run>
void for_each_block(const HashGrid& grid, const GridPoints<P>& points, const P* grad, int num_threads, const Run& run) {
  constexpr std::int64_t kBlock = 1 << 14;
  parallel_for(points.rows, kBlock, num_threads, [&](std::int64_t begin, std::int64_t end) {
    Columns<P> columns(grid, points, end - begin);
    columns.read(begin, 0, end - begin, grad);
    run(columns, begin, end - begin);
  });
}

}  // namespace

template <class P, class T>
void hash_grid(const HashGrid& grid, const GridPoints<P>& points, const T* table, P* out, int num_threads) {
  const P* no_grad = nullptr;
  for_each_block(grid, points, no_grad, num_threads, [&](Columns<P>& columns, std::int64_t begin, std::int64_t count) {
    encode_block(grid, columns.block(count), table, columns.features());
    columns.write(count, out + begin * grid.width());
  });
}

template <class P, class T>
void hash_grid_points_vjp(const HashGrid& grid, const GridPoints<P>& points, const T* table, const P* grad, P* out,
                          int num_threads) {
  for_each_block(grid, points, grad, num_threads, [&](Columns<P>& columns, std::int64_t begin, std::int64_t count) {
    points_vjp_block(grid, columns.block(count), table, out + begin * grid.dims);
  });
}

template <class P>
void hash_grid_table_vjp(const HashGrid& grid, const GridPoints<P>& points, const P* grad, P* out,
                         std::int64_t num_entries, int num_threads) {
  constexpr std::int64_t kBlock = 1 << 15, kRows = 1 << 11, kValues = 1 << 18;
  parallel_for(num_entries * grid.features, kValues, num_threads,
               [&](std::int64_t begin, std::int64_t end) { std::fill(out + begin, out + end, P(0)); });
  Columns<P> columns(grid, points, std::min(points.rows, kBlock));
  for (std::int64_t begin = 0; begin < points.rows; begin += kBlock) {
    const std::int64_t count = std::min(kBlock, points.rows - begin);
    parallel_for(count, kRows, num_threads,
                 [&](std::int64_t first, std::int64_t end) { columns.read(begin, first, end - first, grad); });
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
