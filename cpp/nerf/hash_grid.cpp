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
void encode_level(const HashGrid& grid, int level, const GridBlock<P>& block, const T* table, const GridTiles<P>& out) {
  FASTCV_DISPATCH(nerf::hash_grid(grid, level, block, table, out));
}
template <class P>
void scatter_level(const HashGrid& grid, int level, const GridBlock<P>& block, const GridTiles<const P>& grad, P* out) {
  FASTCV_DISPATCH(nerf::hash_grid_table_vjp(grid, level, block, grad, out));
}
template <class P, class T>
void differentiate_level(const HashGrid& grid, int level, const GridBlock<P>& block, const T* table,
                         const GridTiles<const P>& grad, P* out) {
  FASTCV_DISPATCH(nerf::hash_grid_points_vjp(grid, level, block, table, grad, out));
}

// Room for tiles of `rows` points and a number of values of each.
std::int64_t in_tiles(std::int64_t rows) { return (rows + kGridTile - 1) / kGridTile * kGridTile; }
template <class P>
std::unique_ptr<P[]> allocate(std::int64_t rows, std::int64_t values) {
  const auto size = static_cast<std::size_t>(rows * values);
  std::unique_ptr<P[]> result(new P[size]);
  advise_huge_pages(result.get(), size * sizeof(P));
  return result;
}

// Points of a block as columns.
template <class P>
class Columns {
 public:
  Columns(const HashGrid& grid, const GridPoints<P>& points, std::int64_t most)
      : dims_(grid.dims),
        points_(points),
        // A tile more than is needed: columns a power of two apart would share a few lines of the cache.
        stride_(in_tiles(most) + kGridTile),
        values_(allocate<P>(stride_, (points.tangents == nullptr ? 1 : 2) * dims_)) {}

  // Rows [first, first + count) of the block that begins at row `begin`.
  void read(std::int64_t begin, std::int64_t first, std::int64_t count) {
    const std::int64_t from = (begin + first) * dims_;
    transpose(points_.points + from, count, dims_, dims_, values_.get() + first, stride_);
    if (points_.tangents == nullptr) return;
    transpose(points_.tangents + from, count, dims_, dims_, values_.get() + dims_ * stride_ + first, stride_);
  }
  GridBlock<P> block(std::int64_t first, std::int64_t count) const {
    const P* points = values_.get() + first;
    return {points, points_.tangents == nullptr ? nullptr : points + dims_ * stride_, stride_, count};
  }

 private:
  const std::int64_t dims_;
  const GridPoints<P> points_;
  const std::int64_t stride_;
  const std::unique_ptr<P[]> values_;  // of places without a point, any
};

// A tile of up to kGridTile points to rows, and `active` features out of rows to a tile.
template <class P>
void rows_of_tile(const HashGrid& grid, const P* tile, std::int64_t count, P* rows) {
  const std::int64_t width = grid.width();
  if (grid.features == 1) return transpose(tile, width, count, kGridTile, rows, width);
  transpose_pairs(tile, width / 2, count, 2 * kGridTile, rows, width);
}
template <class P>
void tile_of_rows(const HashGrid& grid, const P* rows, std::int64_t count, std::int64_t active, P* tile) {
  if (grid.features == 1) return transpose(rows, count, active, grid.width(), tile, kGridTile);
  transpose_pairs(rows, count, active / 2, grid.width(), tile, 2 * kGridTile);
}

// Tiles of features that belong to some levels.
template <class P>
class LevelTiles {
 public:
  LevelTiles(const HashGrid& grid, std::int64_t rows, int num_levels)
      : grid_(grid), values_(allocate<P>(in_tiles(rows), std::int64_t(num_levels) * grid.features)) {}

  // Levels [first, last) are those to read.
  void choose(int first, int last) {
    first_ = first;
    width_ = std::int64_t(last - first) * grid_.features;
  }
  // Rows [begin, end); `begin` is a multiple of kGridTile.
  void read(const P* rows, std::int64_t begin, std::int64_t end) {
    rows += std::int64_t(first_) * grid_.features;
    for (std::int64_t i = begin; i < end; i += kGridTile) {
      const std::int64_t count = std::min<std::int64_t>(kGridTile, end - i);
      tile_of_rows(grid_, rows + i * grid_.width(), count, width_, values_.get() + i * width_);
    }
  }
  GridTiles<const P> get() const { return {values_.get(), width_, first_}; }

 private:
  const HashGrid& grid_;
  const std::unique_ptr<P[]> values_;
  int first_ = 0;
  std::int64_t width_ = 0;
};

int threads_of(int num_threads) { return num_threads > 0 ? num_threads : default_num_threads(); }

// Points that a thread takes at a time: the more they are, the more often a level's table is read from the cache, but
// there should be work for every thread. No result depends on it.
std::int64_t block_size(std::int64_t rows, int num_threads) {
  constexpr std::int64_t kLeast = 1 << 9, kMost = 1 << 17;
  const int threads = threads_of(num_threads);
  return std::clamp(in_tiles((rows + threads - 1) / threads), kLeast, kMost);
}

// Levels whose gradients are read together: as few as give every thread two, or more while there is little to keep.
int levels_together(const HashGrid& grid, std::int64_t rows, int num_threads) {
  constexpr std::int64_t kValues = 1 << 22;
  const std::int64_t small = kValues / std::max<std::int64_t>(1, rows * grid.features);
  return std::max(2 * threads_of(num_threads), static_cast<int>(std::min<std::int64_t>(small, grid.num_active)));
}

// Features of `count` points. Their whole tiles lie in the place of their rows until all levels are there.
template <class P, class T>
void encode_rows(const HashGrid& grid, const Columns<P>& columns, std::int64_t count, const T* table, P* rows) {
  const std::int64_t width = grid.width(), active = grid.num_active * grid.features;
  const std::int64_t whole = count / kGridTile * kGridTile, rest = count - whole;
  const auto tile = allocate<P>(kGridTile, width);
  for (int l = 0; l < grid.num_active; ++l) {
    if (whole > 0) encode_level(grid, l, columns.block(0, whole), table, GridTiles<P>{rows, width});
    if (rest > 0) encode_level(grid, l, columns.block(whole, rest), table, GridTiles<P>{tile.get(), width});
  }
  std::fill_n(tile.get() + kGridTile * active, kGridTile * (width - active), P(0));
  rows_of_tile(grid, tile.get(), rest, rows + whole * width);
  for (std::int64_t i = 0; i < whole; i += kGridTile) {
    std::copy_n(rows + i * width, kGridTile * active, tile.get());
    rows_of_tile(grid, tile.get(), kGridTile, rows + i * width);
  }
}

}  // namespace

template <class P, class T>
void hash_grid(const HashGrid& grid, const GridPoints<P>& points, const T* table, P* out, int num_threads) {
  advise_huge_pages(out, static_cast<std::size_t>(points.rows * grid.width()) * sizeof(P));
  parallel_for(points.rows, block_size(points.rows, num_threads), num_threads,
               [&](std::int64_t begin, std::int64_t end) {
                 Columns<P> columns(grid, points, end - begin);
                 columns.read(begin, 0, end - begin);
                 encode_rows(grid, columns, end - begin, table, out + begin * grid.width());
               });
}

template <class P, class T>
void hash_grid_points_vjp(const HashGrid& grid, const GridPoints<P>& points, const T* table, const P* grad, P* out,
                          int num_threads) {
  const std::int64_t dims = grid.dims;
  parallel_for(points.rows, block_size(points.rows, num_threads), num_threads,
               [&](std::int64_t begin, std::int64_t end) {
                 const std::int64_t count = end - begin;
                 Columns<P> columns(grid, points, count);
                 columns.read(begin, 0, count);
                 LevelTiles<P> tiles(grid, count, grid.num_active);
                 tiles.choose(0, grid.num_active);
                 tiles.read(grad + begin * grid.width(), 0, count);
                 const GridBlock<P> block = columns.block(0, count);
                 const auto sums = allocate<P>(block.stride, dims);
                 std::fill_n(sums.get(), block.stride * dims, P(0));
                 for (int l = 0; l < grid.num_active; ++l) {
                   differentiate_level(grid, l, block, table, tiles.get(), sums.get());
                 }
                 transpose(sums.get(), dims, count, block.stride, out + begin * dims, dims);
               });
}

template <class P>
void hash_grid_table_vjp(const HashGrid& grid, const GridPoints<P>& points, const P* grad, P* out,
                         std::int64_t num_entries, bool accumulate, int num_threads) {
  constexpr std::int64_t kBlock = 1 << 18, kRows = 1 << 11, kValues = 1 << 18;
  if (!accumulate) {
    advise_huge_pages(out, static_cast<std::size_t>(num_entries * grid.features) * sizeof(P));
    parallel_for(num_entries * grid.features, kValues, num_threads,
                 [&](std::int64_t begin, std::int64_t end) { std::fill(out + begin, out + end, P(0)); });
  }
  const std::int64_t most = std::min(points.rows, kBlock);
  const int together = std::min(grid.num_active, levels_together(grid, most, num_threads));
  Columns<P> columns(grid, points, most);
  LevelTiles<P> tiles(grid, most, together);
  for (std::int64_t begin = 0; begin < points.rows; begin += kBlock) {
    const std::int64_t count = std::min(kBlock, points.rows - begin);
    for (int first = 0; first < grid.num_active; first += together) {
      const int last = std::min(first + together, grid.num_active);
      tiles.choose(first, last);
      parallel_for(count, kRows, num_threads, [&](std::int64_t from, std::int64_t to) {
        if (first == 0) columns.read(begin, from, to - from);
        tiles.read(grad + begin * grid.width(), from, to);
      });
      // The finest levels, which take longest, first.
      parallel_for(last - first, 1, num_threads, [&](std::int64_t task, std::int64_t) {
        scatter_level(grid, last - 1 - static_cast<int>(task), columns.block(0, count), tiles.get(), out);
      });
    }
  }
}

#define FASTCV_INSTANTIATE(P, T)                                                     \
  template void hash_grid(const HashGrid&, const GridPoints<P>&, const T*, P*, int); \
  template void hash_grid_points_vjp(const HashGrid&, const GridPoints<P>&, const T*, const P*, P*, int);
FASTCV_INSTANTIATE(float, float)
FASTCV_INSTANTIATE(float, Half)
FASTCV_INSTANTIATE(double, double)
#undef FASTCV_INSTANTIATE
template void hash_grid_table_vjp(const HashGrid&, const GridPoints<float>&, const float*, float*, std::int64_t, bool,
                                  int);
template void hash_grid_table_vjp(const HashGrid&, const GridPoints<double>&, const double*, double*, std::int64_t,
                                  bool, int);

}  // namespace fastcv::nerf
