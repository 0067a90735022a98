// SPDX-License-Identifier: Apache-2.0
// Noise, small regions and holes of a disparity map, over threads.
#include "mvs/clean_disparity.h"

#include <memory>

#include "core/parallel.h"
#include "mvs/clean_disparity.hd.h"
#include "mvs/median_disparity.hd.h"

namespace fastcv::mvs {
namespace {

constexpr std::int64_t kRows = 16;

// body(i) for every pixel, several rows a task.
template <class Body>
void for_each_pixel(const View<float, 2>& image, int num_threads, const Body& body) {
  parallel_for(image.size(), kRows * image.shape[1], num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) body(i);
  });
}

// Vectors where all columns exist, else single pixels.
void median_row(const generic::MedianPixel& one, std::int64_t y) {
  using generic::Floats, generic::kLanes;
  const std::int64_t height = one.out.shape[0], width = one.out.shape[1];
  for (std::int64_t x = 0; x < width;) {
    if (x == 0 || x + kLanes >= width) {
      one(y * width + x++);
      continue;
    }
    const Floats median = generic::median_around<Floats>([&](int dy, int dx) {
      const bool exists = y + dy >= 0 && y + dy < height;
      return exists ? generic::load<Floats>(&one.disparity(y + dy, x + dx)) : generic::splat(__builtin_nanf(""));
    });
    generic::store(&one.out(y, x), median);
    x += kLanes;
  }
}

}  // namespace

void median_disparity(View<const float, 2> disparity, View<float, 2> out, int num_threads) {
  parallel_for(out.shape[0], kRows, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t y = begin; y < end; ++y) median_row({disparity, out}, y);
  });
}

void remove_speckles(const DisparityMap& map, std::int64_t min_pixels, float max_step, int num_threads) {
  const View<float, 2>& disparity = map.disparity;
  const std::unique_ptr<std::int32_t[]> parent(new std::int32_t[disparity.size()]),
      size(new std::int32_t[disparity.size()]);
  const generic::Regions regions{map, parent.get(), size.get(), max_step};
  for_each_pixel(disparity, num_threads, [&](std::int64_t i) { regions.begin(i); });
  for_each_pixel(disparity, num_threads, [&](std::int64_t i) { regions.join(i); });
  // Pixels of one run belong to one region: they are counted at once.
  const std::int64_t width = disparity.shape[1];
  parallel_for(disparity.shape[0], kRows, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin * width, start = i; i < end * width; ++i) {
      if ((i + 1) % width != 0 && regions.joined(i, i + 1)) continue;
      generic::add_shared(size.get() + regions.root(i), static_cast<std::int32_t>(i + 1 - start));
      start = i + 1;
    }
  });
  for_each_pixel(disparity, num_threads, [&](std::int64_t i) { regions.remove(i, min_pixels); });
}

void fill_disparity(View<const float, 2> disparity, View<float, 2> out, int num_threads) {
  const generic::FillRow fill{disparity, out};
  parallel_for(out.shape[0], kRows, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t y = begin; y < end; ++y) fill(y);
  });
}

}  // namespace fastcv::mvs
