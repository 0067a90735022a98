// SPDX-License-Identifier: Apache-2.0
// The guided filter over one tile, compiled once per instruction set.
#include <cstddef>

#include "core/interrupt.h"
#include "mvs/guided_tile.h"
// The declarations come after what they mention.
#include "mvs/guided_costs.leaf.h"

namespace fastcv::FASTCV_ISA::mvs {
namespace {

template <int Channels>
std::int64_t run(const fastcv::mvs::GuidedCosts& in, const fastcv::mvs::Tile& tile, const View<float, 3>& out,
                 std::byte* scratch) {
  Arena arena(scratch);
  GuidedTile<Channels> guided(in, tile, arena);
  if (scratch == nullptr) return arena.used();
  guided.prepare();
  for (std::int64_t k = 0; k < in.costs.shape[0]; ++k) {
    poll_interrupt();
    guided.surface(k, out);
  }
  return arena.used();
}

}  // namespace

std::int64_t guided_costs(const fastcv::mvs::GuidedCosts& in, const fastcv::mvs::Tile& tile, View<float, 3> out,
                          std::byte* scratch) {
  return in.guide.shape[0] == 1 ? run<1>(in, tile, out, scratch) : run<3>(in, tile, out, scratch);
}

}  // namespace fastcv::FASTCV_ISA::mvs
