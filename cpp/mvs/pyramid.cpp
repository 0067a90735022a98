// SPDX-License-Identifier: Apache-2.0
// Image pyramids over threads.
#include "mvs/pyramid.h"

#include "core/parallel.h"
#include "mvs/pyramid.hd.h"

namespace fastcv::mvs {
namespace {

template <class One>
void for_each(std::int64_t n, std::int64_t grain, int num_threads, const One& one) {
  parallel_for(n, grain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) one(i);
  });
}

}  // namespace

template <class T>
void halve_image(View<const T, 3> image, View<T, 3> out, int num_threads) {
  for_each(out.size(), 1 << 17, num_threads, generic::HalveImage<T>{image, out});
}
template void halve_image(View<const std::uint8_t, 3>, View<std::uint8_t, 3>, int);
template void halve_image(View<const std::uint16_t, 3>, View<std::uint16_t, 3>, int);
template void halve_image(View<const float, 3>, View<float, 3>, int);

void halve_mask(View<const std::uint8_t, 2> mask, View<std::uint8_t, 2> out, int num_threads) {
  for_each(out.size(), 1 << 17, num_threads, generic::HalveMask{mask, out});
}

void median(View<const float, 2> image, View<float, 2> out, int num_threads) {
  using generic::Floats, generic::kLanes, generic::load, generic::store;
  const generic::Median one{image, out};
  const std::int64_t height = image.shape[0], width = image.shape[1];
  parallel_for(height, 16, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t y = begin; y < end; ++y) {
      std::int64_t x = 0;
      while (x < width) {
        if (x < 2 || x + 2 + kLanes > width) {
          one(y * width + x++);
          continue;
        }
        Floats values[25];
        for (int k = 0; k < 25; ++k) {
          values[k] = load<Floats>(&image(generic::clamped(y + k / 5 - 2, height), x + k % 5 - 2));
        }
        store(&out(y, x), generic::median_of_25(values));
        x += kLanes;
      }
    }
  });
}

void extremes(View<const float, 2> image, View<float, 3> out, int num_threads) {
  for_each(image.size(), 1 << 14, num_threads, generic::Extremes{image, out});
}

void local_ranges(View<const float, 3> coarse, const LocalPlanes& planes, View<float, 4> out, int num_threads) {
  for_each(2 * out.shape[2] * out.shape[3], 1 << 15, num_threads, generic::LocalRanges{coarse, planes, out});
}

}  // namespace fastcv::mvs
