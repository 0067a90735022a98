// SPDX-License-Identifier: Apache-2.0
// Images packed a row at a time are those packed a word at a time, as GPUs do it, for every type, mask and odd size.
#include "mvs/pack_image.h"

#include <doctest/doctest.h>

#include <random>
#include <type_traits>
#include <vector>

#include "mvs/pack_image.hd.h"

namespace fastcv {
namespace {

template <class T>
T noise(std::mt19937& random) {
  if constexpr (std::is_same_v<T, float>) return static_cast<float>(random() % 1001) / 1000;
  return static_cast<T>(random());
}

template <class T>
void compare(std::int64_t height, std::int64_t width, int channels, bool color, bool masked) {
  std::mt19937 random(3);
  std::vector<T> image(height * width * channels);
  for (auto& value : image) value = noise<T>(random);
  std::vector<std::uint8_t> mask(height * width);
  for (auto& value : mask) value = random() % 3 != 0;
  const std::int64_t num = color ? generic::kColorWords : 1, size = (height + 1) * (width + 1) * num;
  std::vector<std::int32_t> words(size, 1), expected(size, 2);
  const View<const T, 3> from{image.data(), {height, width, channels}};
  const std::uint8_t* holes = masked ? mask.data() : nullptr;
  mvs::pack_image<T>(from, holes, {words.data(), {height + 1, width + 1, num}}, 2);
  const generic::PackWord<T> one{from, holes, {expected.data(), {height + 1, width + 1, num}}};
  for (std::int64_t i = 0; i < size; ++i) one(i);
  CHECK(words == expected);
}

}  // namespace

TEST_CASE_TEMPLATE("rows of packed words are single ones", T, std::uint8_t, std::uint16_t, float) {
  for (const bool masked : {false, true}) {
    compare<T>(1, 1, 1, false, masked);
    compare<T>(1, 1, 3, true, masked);
    compare<T>(70, 37, 1, false, masked);
    compare<T>(70, 37, 3, false, masked);
    compare<T>(70, 37, 3, true, masked);
  }
}

TEST_CASE("a word holds a pixel and its neighbours") {
  const std::uint8_t image[] = {10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120};  // 2 x 2 colours
  std::int32_t words[3][3][2];
  mvs::pack_image<std::uint8_t>({image, {2, 2, 3}}, nullptr, {&words[0][0][0], {3, 3, 2}}, 1);
  const auto byte = [](std::int32_t word, int k) { return static_cast<std::int8_t>(word >> 8 * k) + 128; };
  CHECK(byte(words[0][0][0], 0) == 10);  // red
  CHECK(byte(words[0][0][0], 1) == 70);
  CHECK(byte(words[0][0][0], 2) == 20);  // green
  CHECK(byte(words[0][0][0], 3) == 80);
  CHECK(byte(words[0][1][1], 0) == 60);  // blue
  CHECK(byte(words[0][1][1], 1) == 120);
  CHECK(byte(words[0][1][1], 2) == 128);  // no fourth channel
}

}  // namespace fastcv
