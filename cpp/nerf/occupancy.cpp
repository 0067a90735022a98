// SPDX-License-Identifier: Apache-2.0
// Splits the work of an occupancy grid over threads. Sums are made of parts of a fixed size, in their order.
#include "nerf/occupancy.h"

#include <algorithm>
#include <vector>

#include "core/parallel.h"
#include "nerf/occupancy.hd.h"

namespace fastcv::nerf {
namespace {

float threshold(const OccupancyGrid& grid, const OccupancyBits& bits, int num_threads) {
  constexpr std::int64_t kPart = 1 << 16;
  const std::int64_t cells = grid.levels * grid.cells_per_level();
  struct Part {
    double sum, count;
  };
  std::vector<Part> parts(static_cast<std::size_t>((cells + kPart - 1) / kPart));
  parallel_for(cells, kPart, num_threads, [&](std::int64_t begin, std::int64_t end) {
    Part part{0, 0};
    for (std::int64_t i = begin; i < end; ++i) {
      const float density = bits.density[i];
      part.sum += generic::is_seen(density) ? density : 0.0F;
      part.count += generic::is_seen(density);
    }
    parts[static_cast<std::size_t>(begin / kPart)] = part;
  });
  Part total{0, 0};
  for (const Part& part : parts) total = {total.sum + part.sum, total.count + part.count};
  return generic::occupancy_threshold(total.sum, total.count, bits.limit);
}

}  // namespace

void occupancy_points(const OccupancyGrid& grid, const CellPoints& cells, int num_threads) {
  const generic::CellPoint one{grid, cells};
  parallel_for(cells.count, 1 << 14, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) one(i);
  });
}

void occupancy_pack(const OccupancyGrid& grid, const OccupancyBits& bits, int num_threads) {
  *bits.threshold = threshold(grid, bits, num_threads);
  const generic::PackNode pack_node{bits};
  for (int level = 0; level < grid.levels; ++level) {
    const generic::PackWord pack_word{grid, bits, level};
    const std::int64_t nodes = grid.nodes_per_level();
    parallel_for(nodes, 16, num_threads, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = 64 * begin; i < 64 * end; ++i) pack_word(i);
      for (std::int64_t i = begin; i < end; ++i) pack_node(level * nodes + i);
    });
  }
}

}  // namespace fastcv::nerf
