// SPDX-License-Identifier: Apache-2.0
// The passes of marching cubes, compiled once per instruction set; eight samples are classified at once.
#include "core/lanes.hd.h"
#include "voxels/surface.hd.h"
// The declarations come after what they mention.
#include "voxels/marching_cubes.leaf.h"

namespace fastcv::FASTCV_ISA::voxels {
namespace {

using namespace fastcv::voxels;

typedef float Row __attribute__((vector_size(4 * kBlock)));
typedef std::int32_t RowMask __attribute__((vector_size(4 * kBlock)));

std::uint32_t bits_set(RowMask mask) {
#if defined(__AVX__)
  return static_cast<std::uint32_t>(_mm256_movemask_ps((__m256)mask));
#else
  std::uint32_t bits = 0;
  for (int i = 0; i < kBlock; ++i) bits |= (mask[i] & 1U) << i;
  return bits;
#endif
}

// Bit i: whether byte i is 1 rather than 0.
std::uint32_t bits_set(const std::uint8_t* flags) {
  std::uint64_t bytes;
  __builtin_memcpy(&bytes, flags, sizeof bytes);
  return static_cast<std::uint32_t>(bytes * 0x0102040810204080 >> 56);
}

// As row_signs, of a row that lies in the grid.
RowSigns whole_row_signs(const Samples& s, std::int64_t place) {
  Row values;
  __builtin_memcpy(&values, s.values + place, sizeof values);
  std::uint32_t known = bits_set((values >= -FLT_MAX) & (values <= FLT_MAX));
  if (s.valid) known &= bits_set(s.valid + place);
  return {static_cast<std::uint8_t>(bits_set(values < s.level) & known), static_cast<std::uint8_t>(known)};
}

// Blocks from here on whose row lies in the grid, where it does so in the first.
std::int64_t whole_rows(const Samples& s, std::int64_t begin, std::int64_t end, int row) {
  if (s.blocks) return end;
  const BlockPosition at = s.position(begin);
  const bool in_grid = at.z * kBlock + row / kBlock < s.shape[0] && at.y * kBlock + row % kBlock < s.shape[1];
  const std::int64_t whole = begin - at.x + s.shape[2] / kBlock;
  return !in_grid ? begin : whole < end ? whole : end;
}

}  // namespace

// The blocks of a dense array follow one another along x.
void classify_samples(const Samples& samples, const Signs& signs, std::int64_t begin, std::int64_t end) {
  auto* inside = reinterpret_cast<std::uint8_t*>(signs.inside);
  auto* known = reinterpret_cast<std::uint8_t*>(signs.known);
  for (int row = 0; row < kRows; ++row) {
    const std::int64_t whole = whole_rows(samples, begin, end, row);
    std::int64_t place = samples.first(begin, samples.position(begin)) + row / kBlock * samples.layer_stride() +
                         row % kBlock * samples.row_stride();
    for (std::int64_t block = begin; block < end; ++block, place += samples.blocks ? kBlock * kRows : kBlock) {
      const RowSigns found = block < whole ? whole_row_signs(samples, place) : row_signs(samples, block, row);
      inside[block * kRows + row] = found.inside;
      known[block * kRows + row] = found.known;
    }
  }
  for (std::int64_t block = begin; block < end; ++block) signs.states[block] = block_signs(signs, block);
}

void find_candidates(const Samples& samples, const Signs& signs, std::uint8_t* candidates, std::int64_t begin,
                     std::int64_t end) {
  const FindCandidate find{samples, signs.states, candidates};
  for (std::int64_t block = begin; block < end; ++block) find(block);
}

void mark_cells(const Samples& samples, const Signs& signs, const Surface& surface, std::int64_t begin,
                std::int64_t end) {
  const MarkCells mark{samples, signs, surface};
  for (std::int64_t i = begin; i < end; ++i) mark(i);
}

void count_surface(const Samples& samples, const Signs& signs, const Surface& surface, std::int64_t* totals,
                   std::int64_t begin, std::int64_t end) {
  const CountBlock count{samples, signs, surface, &kCubeCases, totals};
  for (std::int64_t i = begin; i < end; ++i) count(i);
}

void emit_surface(const Samples& samples, const Signs& signs, const Surface& surface, const MeshArrays& mesh,
                  std::int64_t begin, std::int64_t end) {
  const EmitVertices vertices{samples, signs, surface, mesh};
  const EmitTriangles triangles{samples, signs, surface, mesh, &kCubeCases};
  for (std::int64_t i = begin; i < end; ++i) {
    const Around around(samples, surface.blocks[i]);
    const Upper upper(samples, surface, i);
    for (int z = 0; z < kBlock; ++z) {
      vertices.layer_of(i, z, around);
      triangles.layer_of(i, z, upper);
    }
  }
}

}  // namespace fastcv::FASTCV_ISA::voxels
