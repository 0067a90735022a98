// SPDX-License-Identifier: Apache-2.0
// Splits a pass over threads and calls the leaf for this processor.
#include "ode/step.h"

#include <cmath>

#include "core/parallel.h"

#define FASTCV_LEAF "ode/step.leaf.h"
#include "core/leaf.h"

namespace fastcv::ode {
namespace {

constexpr std::int64_t kSerial = 1 << 16;  // elements that are done before another thread would wake
constexpr std::int64_t kNoise = 6;         // what noise makes of an element, in elements without
constexpr std::int64_t kRange = 1 << 15;
constexpr std::int64_t kSmall = kStrip / 4;       // several samples of so many elements go into a strip
constexpr std::int64_t kBeyondCaches = 16 << 20;  // bytes

void step_strips(const Pass& pass, std::int64_t begin, std::int64_t end, bool stream) {
  FASTCV_DISPATCH(ode::step_strips(pass, begin, end, stream));
}
void step_samples(const Pass& pass, std::int64_t begin, std::int64_t end) {
  FASTCV_DISPATCH(ode::step_samples(pass, begin, end));
}

std::int64_t bytes_written(const Pass& pass) {
  std::int64_t bytes = 0;
  for (int o = 0; o < pass.num_outputs; ++o) {
    if (pass.outputs[o] != nullptr) bytes += pass.samples * pass.size * size_of(pass.output_types[o]);
  }
  return bytes;
}

}  // namespace

void step(const Pass& given, int num_threads) {
  Pass pass = given;
  if (pass.rows == 1 && pass.sample_ids == nullptr && pass.norms == nullptr) {
    pass.size *= pass.samples;  // one long sample
    pass.samples = 1;
  }
  const std::int64_t cost = pass.sample_ids == nullptr ? 1 : kNoise;
  const bool serial = pass.samples * pass.size * cost <= kSerial;
  if (pass.size <= kSmall && pass.samples > 1) {
    const std::int64_t grain = serial ? pass.samples : kRange / (pass.size + 1);
    parallel_for(pass.samples, grain, num_threads,
                 [&](std::int64_t begin, std::int64_t end) { step_samples(pass, begin, end); });
  } else {
    // Results that no cache holds until they are read again are written past it: nothing is read to be overwritten.
    const bool stream = !pass.is_double() && bytes_written(pass) > kBeyondCaches;
    const std::int64_t strips = pass.samples * pass.strips();
    parallel_for(strips, serial ? strips : kRange / kStrip, num_threads,
                 [&](std::int64_t begin, std::int64_t end) { step_strips(pass, begin, end, stream); });
  }
  for (std::int64_t b = 0; b < pass.samples && pass.norms != nullptr; ++b) {
    double sum = 0;
    for (std::int64_t s = 0; s < pass.strips(); ++s) sum += pass.partial[b * pass.strips() + s];
    pass.norms[b] = std::sqrt(sum / static_cast<double>(pass.size));
  }
}

}  // namespace fastcv::ode
