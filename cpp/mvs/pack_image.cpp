// SPDX-License-Identifier: Apache-2.0
// Packs images over threads, a few rows at a time: each pixel becomes bytes once.
#include "mvs/pack_image.h"

#include <vector>

#include "core/parallel.h"
#include "mvs/pack_image.hd.h"

namespace fastcv::mvs {
namespace {

// The bytes of a row, of each channel in turn, the last pixel twice.
template <class T>
void make_bytes(const generic::PackWord<T>& one, std::int64_t y, std::vector<std::uint8_t>& bytes) {
  const std::int64_t width = one.image.shape[1];
  const int channels = one.has_color() ? generic::kColorValues : 1;
  for (int c = 0; c < channels; ++c) {
    std::uint8_t* row = bytes.data() + c * (width + 1);
    for (std::int64_t x = 0; x < width; ++x) row[x] = one.byte(y, x, c);
    row[width] = row[width - 1];
  }
}

void make_words(const std::uint8_t* above, const std::uint8_t* below, View<std::int32_t, 3> words, std::int64_t y) {
  using Pack = generic::PackWord<std::uint8_t>;
  const std::int64_t width = words.shape[1];
  std::int32_t* out = &words(y, std::int64_t(0), std::int64_t(0));
  const auto at = [=](std::int64_t x) {
    return [=](int channel, int dy, int dx) { return (dy == 0 ? above : below)[channel * width + x + dx]; };
  };
  if (words.shape[2] == generic::kColorWords) {
    for (std::int64_t x = 0; x < width; ++x) {
      out[2 * x] = Pack::color_word(0, at(x));
      out[2 * x + 1] = Pack::color_word(1, at(x));
    }
  } else {
    for (std::int64_t x = 0; x + 1 < width; ++x) out[x] = Pack::gray_word(at(x));
    out[width - 1] = out[width - 2];  // has no weight
  }
}

}  // namespace

template <class T>
void pack_image(View<const T, 3> image, const std::uint8_t* mask, View<std::int32_t, 3> words, int num_threads) {
  constexpr std::int64_t kGrain = 32;
  const generic::PackWord<T> one{image, mask, words};
  const std::int64_t height = image.shape[0];
  parallel_for(height, kGrain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    const std::size_t size = words.shape[1] * (one.has_color() ? generic::kColorValues : 1);
    std::vector<std::uint8_t> above(size), below(size);
    make_bytes(one, begin, above);
    for (std::int64_t y = begin; y < end; ++y) {
      if (y + 1 < height) make_bytes(one, y + 1, below);
      make_words(above.data(), y + 1 < height ? below.data() : above.data(), words, y);
      if (y + 1 == height) make_words(above.data(), above.data(), words, height);
      above.swap(below);
    }
  });
}

template void pack_image(View<const std::uint8_t, 3>, const std::uint8_t*, View<std::int32_t, 3>, int);
template void pack_image(View<const std::uint16_t, 3>, const std::uint8_t*, View<std::int32_t, 3>, int);
template void pack_image(View<const float, 3>, const std::uint8_t*, View<std::int32_t, 3>, int);

}  // namespace fastcv::mvs
