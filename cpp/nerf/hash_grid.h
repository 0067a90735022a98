// SPDX-License-Identifier: Apache-2.0
// The multiresolution hash grid: features of points, and their derivatives. Source: Mueller et al. 2022, "Instant
// neural graphics primitives with a multiresolution hash encoding", section 3. docs/encodings.md has the layout of the
// table.
#pragma once

#include <cstdint>

#include "core/small_floats.hd.h"

namespace fastcv::nerf {

inline constexpr int kMaxGridLevels = 32;

// How a vertex finds its entry: its number in the grid; that, modulo the number of entries; a hash of its coordinates.
enum class GridIndexing { dense, tiled, hashed };

struct GridLevel {
  std::int64_t offset;            // of its first entry
  float scale;                    // cells along a side of the unit box
  std::int32_t resolution, size;  // vertices along a side, entries; size is a power of two where hashed
  GridIndexing indexing;
};

struct HashGrid {
  int dims, features;          // 2 to 4; 1 or an even number, of each level
  int num_levels, num_active;  // levels from num_active on give 0
  bool smooth;                 // smoothstep instead of linear interpolation
  GridLevel levels[kMaxGridLevels];

  FASTCV_HD int width() const { return num_levels * features; }
};

// Rows of `dims`. With tangents, what an op computes is its derivative along them.
template <class P>
struct GridPoints {
  const P* points;
  const P* tangents;  // null: none
  std::int64_t rows;
};

// P is float or double, T is P or (for float) Half. num_threads 0 means the default; no result depends on it.
// out: (rows, width).
template <class P, class T>
void hash_grid(const HashGrid& grid, const GridPoints<P>& points, const T* table, P* out, int num_threads);

// The gradient by the table, (entries, features), from that by the features, (rows, width); accumulate adds it to out.
template <class P>
void hash_grid_table_vjp(const HashGrid& grid, const GridPoints<P>& points, const P* grad, P* out,
                         std::int64_t num_entries, bool accumulate, int num_threads);

// The gradient by the points, (rows, dims).
template <class P, class T>
void hash_grid_points_vjp(const HashGrid& grid, const GridPoints<P>& points, const T* table, const P* grad, P* out,
                          int num_threads);

}  // namespace fastcv::nerf
