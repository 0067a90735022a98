// SPDX-License-Identifier: Apache-2.0
// Adam over blocks of sixteen values. Compiled once per instruction set.
#include "core/lane_access.hd.h"
#include "nerf/adam.hd.h"
// The declarations come after what they mention.
#include "nerf/adam.leaf.h"

namespace fastcv::FASTCV_ISA::nerf {
namespace {

using fastcv::nerf::AdamStep;
using fastcv::nerf::Storage;

typedef std::uint16_t Words __attribute__((vector_size(2 * kLanes)));

constexpr int kBlock = 16, kVectors = kBlock / kLanes;

FASTCV_HD Floats read_lanes(const void* array, Storage type, std::int64_t i) {
  if (type == Storage::float32) return load<Floats>(static_cast<const float*>(array) + i);
  const Ints bits = __builtin_convertvector(load<Words>(static_cast<const std::uint16_t*>(array) + i), Ints);
  return type == Storage::float16 ? float_from_half(bits) : float_from_bfloat(bits);
}
FASTCV_HD void write_lanes(void* array, Storage type, std::int64_t i, Floats values) {
  if (type == Storage::float32) return store(static_cast<float*>(array) + i, values);
  const Ints bits = type == Storage::float16 ? half_from_float(values) : bfloat_from_float(values);
  store(static_cast<std::uint16_t*>(array) + i, __builtin_convertvector(bits, Words));
}

// Each lane's mask or that of the lane whose number differs in bit kBit.
template <int kBit>
FASTCV_HD void or_across(Ints (&mask)[kVectors]) {
  Ints other[kVectors];
  for (int k = 0; k < kVectors; ++k) {
    other[k] = kBit < kLanes ? __builtin_shuffle(mask[k], lane_indices() ^ kBit) : mask[k ^ (kBit / kLanes)];
  }
  for (int k = 0; k < kVectors; ++k) mask[k] |= other[k];
}

// Lanes of rows that are touched; width divides 16.
FASTCV_HD void spread_over_rows(Ints (&mask)[kVectors], std::int64_t width) {
  if (width > 1) or_across<1>(mask);
  if (width > 2) or_across<2>(mask);
  if (width > 4) or_across<4>(mask);
  if (width > 8) or_across<8>(mask);
}

FASTCV_HD void update_lanes(const AdamStep& adam, const AdamRates& rates, std::int64_t i, Floats gradient, Ints mask) {
  const AdamState<Floats> old{load<Floats>(adam.parameters + i), load<Floats>(adam.first + i),
                              load<Floats>(adam.second + i)};
  const auto now = adam_update(rates, old, gradient);
  const Floats parameter = select(mask, now.parameter, old.parameter);
  store(adam.parameters + i, parameter);
  store(adam.first + i, select(mask, now.first, old.first));
  store(adam.second + i, select(mask, now.second, old.second));
  if (adam.copy != nullptr) write_lanes(adam.copy, adam.copy_type, i, parameter);
}

FASTCV_HD bool is_touched(const AdamStep& adam, std::int64_t i) {
  Ints mask = {};
  for (int k = 0; k < kVectors; ++k) {
    mask |= read_lanes(adam.gradients, adam.gradient_type, i + k * kLanes) != Floats{};
  }
  return any(mask);
}

template <bool kSkipUntouched>
FASTCV_HD void update_block(const AdamStep& adam, const AdamRates& rates, std::int64_t i) {
  Floats gradients[kVectors];
  Ints mask[kVectors];
  for (int k = 0; k < kVectors; ++k) {
    gradients[k] = read_lanes(adam.gradients, adam.gradient_type, i + k * kLanes);
    mask[k] = kSkipUntouched ? gradients[k] != Floats{} : Ints{} - 1;
  }
  if (kSkipUntouched) spread_over_rows(mask, adam.width);
  for (int k = 0; k < kVectors && !rates.skip; ++k) update_lanes(adam, rates, i + k * kLanes, gradients[k], mask[k]);
  for (int k = 0; k < kVectors && adam.zero_gradients; ++k) {
    write_lanes(adam.gradients, adam.gradient_type, i + k * kLanes, Floats{});
  }
}

// Blocks [i, stop) that are touched. First they are looked for and asked for, many at a time: they lie where no
// processor expects them, and one after the other each would be waited for.
void update_touched(const AdamStep& adam, const AdamRates& rates, std::int64_t i, std::int64_t stop) {
  constexpr int kTogether = 128;
  while (i < stop) {
    std::int64_t touched[kTogether];
    int count = 0;
    const std::int64_t end = stop - i < kTogether * kBlock ? stop : i + kTogether * kBlock;
    for (; i < end; i += kBlock) {
      touched[count] = i;
      count += is_touched(adam, i) ? 1 : 0;
    }
    for (int k = 0; k < count; ++k) {
      __builtin_prefetch(adam.parameters + touched[k], 1);
      __builtin_prefetch(adam.first + touched[k], 1);
      __builtin_prefetch(adam.second + touched[k], 1);
    }
    for (int k = 0; k < count; ++k) update_block<true>(adam, rates, touched[k]);
  }
}

FASTCV_HD Ints nonfinite(Floats x) { return (bits_of(x) & 0x7f800000) == 0x7f800000; }

}  // namespace

void adam_step(const AdamStep& adam, std::int64_t begin, std::int64_t end) {
  const AdamRates rates = rates_of(adam);
  const AdamElement one{adam};
  if (adam.skip_untouched && kBlock % adam.width != 0) {
    for (std::int64_t row = begin; row < end; ++row) one.row(rates, row * adam.width, (row + 1) * adam.width);
    return;
  }
  const std::int64_t first = begin * adam.width, stop = end * adam.width, whole = stop - (stop - first) % kBlock;
  if (adam.skip_untouched) {
    update_touched(adam, rates, first, whole);
    for (std::int64_t i = whole; i < stop; i += adam.width) one.row(rates, i, i + adam.width);
    return;
  }
  for (std::int64_t i = first; i < whole; i += kBlock) update_block<false>(adam, rates, i);
  for (std::int64_t i = whole; i < stop; ++i) one.dense(rates, i);
}

bool any_nonfinite(const void* values, Storage type, std::int64_t begin, std::int64_t end) {
  Ints found = {};
  std::int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) found |= nonfinite(read_lanes(values, type, i));
  bool any_found = any(found);
  for (; i < end; ++i) any_found |= (bits_of(read_as_float(values, type, i)) & 0x7f800000) == 0x7f800000;
  return any_found;
}

}  // namespace fastcv::FASTCV_ISA::nerf
