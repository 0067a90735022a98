// SPDX-License-Identifier: Apache-2.0
// Semi-global matching of one row of a rectified pair, compiled once per instruction set.
#include <cstddef>
#include <cstdint>

#include "mvs/arena.h"
#include "mvs/path_lanes.h"
#include "mvs/stereo_pair.h"
// The declarations come after what they mention.
#include "mvs/disparity.leaf.h"

namespace fastcv::FASTCV_ISA::mvs {
namespace {

using fastcv::mvs::StereoPair;

constexpr std::int64_t kSlack = 64;  // vectors may read and write so many elements past a row's end

std::int64_t padded_disparities(const StereoPair& pair) { return (pair.match.num_disparities + 63) / 64 * 64; }

// Everything about one row. Arrays by disparity are a multiple of 64 long; those of the right image run backwards, so
// that the partners of a left pixel at growing disparities follow one another.
struct Row {
  std::int64_t width, depth, backwards;  // backwards: where the right image's first pixel is
  int num_disparities, num_vectors;
  std::uint8_t *cost, *sum;                  // (width, depth): costs, and what the paths add
  std::uint8_t *left_census, *right_census;  // (bytes, columns)
  std::uint8_t *outside, *wall;  // 255 for partners outside of the right image, and beyond the last disparity
  std::int64_t left_stride, right_stride;
  std::uint8_t* along_row;  // the path from the left or the right
  std::uint16_t *total, *index, *right_best, *right_index;
  BestDisparity* best;  // of each pixel

  Row(const StereoPair& pair, Arena& arena)
      : width(pair.width()),
        depth(padded_disparities(pair)),
        backwards(width - 1 + (pair.match.min_disparity < 0 ? -pair.match.min_disparity : 0)),
        num_disparities(pair.match.num_disparities),
        num_vectors((pair.match.num_disparities + kBytes - 1) / kBytes) {
    const std::int64_t shift = pair.match.min_disparity < 0 ? -pair.match.min_disparity : pair.match.min_disparity;
    left_stride = width + kSlack;
    right_stride = width + depth + shift + kSlack;
    cost = arena.take<std::uint8_t>(width * depth);
    sum = arena.take<std::uint8_t>(width * depth);
    left_census = arena.take<std::uint8_t>(kCensusBytes * left_stride);
    right_census = arena.take<std::uint8_t>(kCensusBytes * right_stride);
    outside = arena.take<std::uint8_t>(right_stride);
    wall = arena.take<std::uint8_t>(depth);
    along_row = arena.take<std::uint8_t>(depth + 1);
    total = arena.take<std::uint16_t>(depth);
    index = arena.take<std::uint16_t>(depth);
    right_best = arena.take<std::uint16_t>(right_stride);
    right_index = arena.take<std::uint16_t>(right_stride);
    best = arena.take<BestDisparity>(width);
  }
};

// census: kCensusBytes rows of `stride` bytes, one bit for each pixel of the pattern that is brighter.
void census_row(const View<const std::uint16_t, 2>& image, std::int64_t y, std::int64_t width, std::uint8_t* census,
                std::int64_t stride) {
  constexpr CensusPattern pattern = census_pattern();
  typedef std::uint8_t Half __attribute__((vector_size(kWords)));
  const std::uint16_t* rows[2 * kCensusRadius + 1];
  for (int dy = -kCensusRadius; dy <= kCensusRadius; ++dy) {
    const std::int64_t at = y + dy < 0 ? 0 : y + dy >= image.shape[0] ? image.shape[0] - 1 : y + dy;
    rows[dy + kCensusRadius] = &image(at, kCensusRadius);
  }
  // A last vector that would run past the row steps back instead.
  const std::int64_t last = width - kWords;
  for (std::int64_t x = 0; x < width && last >= 0; x += kWords) {
    const std::int64_t at = x < last ? x : last;
    const Words center = load<Words>(rows[kCensusRadius] + at);
    for (int byte = 0; byte < kCensusBytes; ++byte) {
      Words bits{};
      FASTCV_UNROLL
      for (int k = 0; k < 8; ++k) {
        const int dx = pattern.dx[8 * byte + k], dy = pattern.dy[8 * byte + k];
        const Words brighter = (Words)(load<Words>(rows[dy + kCensusRadius] + at + dx) > center);
        bits |= brighter & splat_word(static_cast<std::uint16_t>(1 << k));
      }
      store(census + byte * stride + at, __builtin_convertvector(bits, Half));
    }
  }
  for (std::int64_t x = 0; x < width && last < 0; ++x) {
    for (int byte = 0; byte < kCensusBytes; ++byte) {
      int bits = 0;
      for (int k = 0; k < 8; ++k) {
        const int dx = pattern.dx[8 * byte + k], dy = pattern.dy[8 * byte + k];
        bits |= (rows[dy + kCensusRadius][x + dx] > rows[kCensusRadius][x]) << k;
      }
      census[byte * stride + x] = static_cast<std::uint8_t>(bits);
    }
  }
}

// A full adder per bit (Harley-Seal): a + b + c = sum + 2 carry.
FASTCV_HD void add_bits(Bytes a, Bytes b, Bytes c, Bytes& sum, Bytes& carry) {
  const Bytes u = a ^ b;
  sum = u ^ c;
  carry = (a & b) | (u & c);
}

// How many bits are set in six bytes.
FASTCV_HD Bytes count_bits(const Bytes (&b)[kCensusBytes]) {
  alignas(16) static constexpr std::uint8_t kOnes[16] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4},
                                            kTwos[16] = {0, 2, 2, 4, 2, 4, 4, 6, 2, 4, 4, 6, 4, 6, 6, 8},
                                            kFours[16] = {0, 4, 4, 8, 4, 8, 8, 12, 4, 8, 8, 12, 8, 12, 12, 16};
  const auto count = [](const std::uint8_t* table, Bytes v) {
    return look_up(table, v & 15) + look_up(table, (Bytes)((Words)v >> 4) & 15);
  };
  Bytes sum1, sum2, twos1, twos2, twos, fours;
  add_bits(b[0], b[1], b[2], sum1, twos1);
  add_bits(b[3], b[4], b[5], sum2, twos2);
  const Bytes ones = sum1 ^ sum2;
  add_bits(sum1 & sum2, twos1, twos2, twos, fours);
  return count(kOnes, ones) + count(kTwos, twos) + count(kFours, fours);
}

// Whether all partners of a left pixel lie in the right image.
bool all_inside(const StereoPair& pair, std::int64_t x) {
  const std::int64_t first = x - pair.match.min_disparity;
  return first < pair.width() && first - (pair.match.num_disparities - 1) >= 0;
}

// Replaces the costs of the partners that lie outside.
void match_outside(const Row& row, std::uint8_t* cost, const std::uint8_t* outside) {
  Bytes least = splat_byte(kWall), least_of_inverse = least;
  for (std::int64_t d = 0; d < row.num_vectors * kBytes; d += kBytes) {
    const Bytes ignored = load<Bytes>(outside + d) | load<Bytes>(row.wall + d), here = load<Bytes>(cost + d);
    least = smaller(least, here | ignored);
    least_of_inverse = smaller(least_of_inverse, ~here | ignored);
  }
  const std::uint8_t most = ~splat_smallest(least_of_inverse)[0];
  const Bytes replaced = splat_byte(static_cast<std::uint8_t>(outside_cost(splat_smallest(least)[0], most)));
  for (std::int64_t d = 0; d < row.num_vectors * kBytes; d += kBytes) {
    const Bytes is_outside = load<Bytes>(outside + d), here = load<Bytes>(cost + d);
    store(cost + d, (here & ~is_outside) | (replaced & is_outside) | load<Bytes>(row.wall + d));
  }
}

// The costs of a pixel; `from` is the place of its first partner.
void match_pixel(const Row& row, std::int64_t x, std::int64_t from) {
  Bytes left[kCensusBytes];
  FASTCV_UNROLL
  for (int k = 0; k < kCensusBytes; ++k) left[k] = splat_byte(row.left_census[k * row.left_stride + x]);
  for (std::int64_t d = 0; d < row.num_vectors * kBytes; d += kBytes) {
    Bytes differ[kCensusBytes];
    FASTCV_UNROLL
    for (int k = 0; k < kCensusBytes; ++k) {
      differ[k] = left[k] ^ load<Bytes>(row.right_census + k * row.right_stride + from + d);
    }
    store(row.cost + x * row.depth + d, count_bits(differ) | load<Bytes>(row.wall + d));
  }
}

// The best disparity of a pixel, and what it is worth to the right image's pixels.
template <bool AllInside>
void choose(const Row& row, std::int64_t x, std::int64_t from) {
  const std::uint8_t *cost = row.cost + x * row.depth, *sum = row.sum + x * row.depth;
  Words least = splat_word(0xffff);
  for (int v = 0; v < row.num_vectors; ++v) {
    Words totals[2];
    times_and_plus<kNumPaths>(load<Bytes>(cost + v * kBytes), load<Bytes>(sum + v * kBytes), totals[0], totals[1]);
    if (!AllInside) {
      Words excluded[2];
      times_and_plus<kNumPaths>(load<Bytes>(row.outside + from + v * kBytes), Bytes{}, excluded[0], excluded[1]);
      for (int half = 0; half < 2; ++half) totals[half] = larger(totals[half], excluded[half]);
    }
    FASTCV_UNROLL
    for (int half = 0; half < 2; ++half) {
      const std::int64_t d = v * kBytes + half * kWords;
      store(row.total + d, totals[half]);
      least = smaller(least, totals[half]);
      const Words best = load<Words>(row.right_best + from + d), index = load<Words>(row.right_index + from + d);
      const Words better = (Words)(totals[half] < best);
      store(row.right_best + from + d, smaller(best, totals[half]));
      store(row.right_index + from + d, (Words)(better ? load<Words>(row.index + d) : index));
    }
  }
  const std::uint16_t best = smallest(least);
  int d = 0;
  for (int lane = kWords; lane == kWords; d += lane) lane = first_equal(load<Words>(row.total + d), best);
  // Lanes with |index - d| <= 1 do not count.
  Words rival = splat_word(0xffff);
  for (int v = 0; v < 2 * row.num_vectors; ++v) {
    const Words distance = load<Words>(row.index + v * kWords) - static_cast<std::uint16_t>(d - 1);
    rival = smaller(rival, load<Words>(row.total + v * kWords) | (Words)(distance <= 2));
  }
  row.best[x] = {d, best, d > 0 ? row.total[d - 1] : 0xffff, d + 1 < row.num_disparities ? row.total[d + 1] : 0xffff,
                 smallest(rival)};
}

}  // namespace

std::int64_t row_scratch_bytes(const StereoPair& pair) {
  Arena arena(nullptr);
  const Row row(pair, arena);
  return arena.used();
}

std::int64_t path_bytes(const StereoPair& pair) {
  return PathsFromAbove::bytes(pair.num_slots, padded_disparities(pair));
}

void start_row(const StereoPair& pair, std::int64_t y, std::byte* scratch) {
  Arena arena(scratch);
  const Row row(pair, arena);
  const auto& match = pair.match;
  census_row(pair.left, y, row.width, row.left_census, row.left_stride);
  // The right one is made at the place of the costs, which come later.
  census_row(pair.right, y, row.width, row.sum, row.width);
  for (std::int64_t i = 0; i < row.right_stride; ++i) {
    row.outside[i] = 255;
    row.right_best[i] = 0xffff;
    row.right_index[i] = 0xffff;
  }
  for (std::int64_t x = 0; x < row.width; ++x) row.outside[row.backwards - x] = 0;
  for (int k = 0; k < kCensusBytes; ++k) {
    std::uint8_t* to = row.right_census + k * row.right_stride + row.backwards;
    for (std::int64_t x = 0; x < row.width; ++x) to[-x] = row.sum[k * row.width + x];
  }
  for (std::int64_t d = 0; d < row.depth; ++d) {
    row.wall[d] = d < match.num_disparities ? 0 : kWall;
    row.index[d] = static_cast<std::uint16_t>(d);
    row.along_row[d] = 0;
  }
  const Bytes p1 = splat_byte(static_cast<std::uint8_t>(match.p1)),
              p2 = splat_byte(static_cast<std::uint8_t>(match.p2));
  Bytes least{};
  for (std::int64_t x = row.width - 1; x >= 0; --x) {
    const std::int64_t from = row.backwards - x + match.min_disparity;
    match_pixel(row, x, from);
    if (!all_inside(pair, x)) match_outside(row, row.cost + x * row.depth, row.outside + from);
    least =
        advance<true>(row.cost + x * row.depth, row.num_vectors, p1, p2, least, row.along_row, row.sum + x * row.depth);
  }
  for (std::int64_t d = 0; d <= row.depth; ++d) row.along_row[d] = 0;
}

void match_columns(const StereoPair& pair, std::int64_t y, std::int64_t begin, std::int64_t end, std::byte* scratch,
                   std::byte* paths) {
  Arena arena(scratch);
  const Row row(pair, arena);
  const std::int64_t depth = row.depth;
  const Bytes p1 = splat_byte(static_cast<std::uint8_t>(pair.match.p1)),
              p2 = splat_byte(static_cast<std::uint8_t>(pair.match.p2));
  Bytes left_least = splat_byte(row.along_row[depth]);
  PathsFromAbove above(paths, pair.num_slots, depth, row.width, y, begin);
  for (std::int64_t x = begin; x < end; ++x) {
    const std::uint8_t* cost = row.cost + x * depth;
    std::uint8_t* sum = row.sum + x * depth;
    left_least = advance<false>(cost, row.num_vectors, p1, p2, left_least, row.along_row, sum);
    above.advance_to(x, cost, row.num_vectors, p1, p2, sum);
    const std::int64_t from = row.backwards - x + pair.match.min_disparity;
    all_inside(pair, x) ? choose<true>(row, x, from) : choose<false>(row, x, from);
  }
  row.along_row[depth] = left_least[0];
}

void finish_row(const StereoPair& pair, std::int64_t y, std::byte* scratch) {
  Arena arena(scratch);
  const Row row(pair, arena);
  for (std::int64_t x = 0; x < row.width; ++x) {
    const BestDisparity& best = row.best[x];
    const std::int32_t from_right = row.right_index[row.backwards - x + pair.match.min_disparity + best.index];
    const float disparity = disparity_of(best, from_right, pair.match);
    pair.out.disparity(y, x) = disparity;
    pair.out.confidence(y, x) = disparity == disparity ? confidence_of(best) : 0.0F;
  }
}

}  // namespace fastcv::FASTCV_ISA::mvs
