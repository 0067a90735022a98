// SPDX-License-Identifier: Apache-2.0
// Carving as one writes it by hand: every voxel in every view until one shows background, or looks through it, over
// threads. A library that bench_carve.py compiles and loads.
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

struct Views {
  std::int64_t count, height, width;
  const std::uint8_t* masks;
  const double* image_from_voxel;
};

bool stays(const Views& views, double x, double y, double z) {
  bool seen = false;
  for (std::int64_t view = 0; view < views.count; ++view) {
    const double* m = views.image_from_voxel + 12 * view;
    const double w = m[8] * x + m[9] * y + m[10] * z + m[11];
    const double inverse = 1 / w;
    const double u = (m[0] * x + m[1] * y + m[2] * z + m[3]) * inverse;
    const double v = (m[4] * x + m[5] * y + m[6] * z + m[7]) * inverse;
    if (!(w > 0 && u >= 0 && v >= 0 && u < double(views.width) && v < double(views.height))) continue;
    seen = true;
    const auto column = static_cast<std::int64_t>(u), row = static_cast<std::int64_t>(v);
    if (!views.masks[(view * views.height + row) * views.width + column]) return false;
  }
  return seen;
}

struct Depths {
  std::int64_t count, height, width;
  const float* depths;
  const double* image_from_voxel;
  double margin;
};

bool stays(const Depths& views, double x, double y, double z) {
  bool seen = false;
  for (std::int64_t view = 0; view < views.count; ++view) {
    const double* m = views.image_from_voxel + 12 * view;
    const double w = m[8] * x + m[9] * y + m[10] * z + m[11];
    const double inverse = 1 / w;
    const double u = (m[0] * x + m[1] * y + m[2] * z + m[3]) * inverse;
    const double v = (m[4] * x + m[5] * y + m[6] * z + m[7]) * inverse;
    if (!(w > 0 && u >= 0 && v >= 0 && u < double(views.width) && v < double(views.height))) continue;
    const auto column = static_cast<std::int64_t>(u), row = static_cast<std::int64_t>(v);
    const float depth = views.depths[(view * views.height + row) * views.width + column];
    if (!(depth > 0)) continue;
    seen = true;
    if (w < double(depth) - views.margin) return false;
  }
  return seen;
}

// Every voxel of a cube, row by row over threads.
template <class Views>
void carve_cube(const Views& views, std::int64_t side, std::uint8_t* out, int num_threads) {
  std::atomic<std::int64_t> next{0};
  const auto work = [&] {
    for (std::int64_t row; (row = next.fetch_add(1)) < side * side;) {
      const double z = double(row / side) + 0.5, y = double(row % side) + 0.5;
      for (std::int64_t x = 0; x < side; ++x) out[row * side + x] = stays(views, double(x) + 0.5, y, z);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < num_threads; ++i) threads.emplace_back(work);
  work();
  for (auto& thread : threads) thread.join();
}

}  // namespace

extern "C" void carve(std::int64_t num_views, std::int64_t height, std::int64_t width, const std::uint8_t* masks,
                      const double* image_from_voxel, std::int64_t side, std::uint8_t* out, int num_threads) {
  carve_cube(Views{num_views, height, width, masks, image_from_voxel}, side, out, num_threads);
}

extern "C" void carve_depths(std::int64_t num_views, std::int64_t height, std::int64_t width, const float* depths,
                             const double* image_from_voxel, double margin, std::int64_t side, std::uint8_t* out,
                             int num_threads) {
  carve_cube(Depths{num_views, height, width, depths, image_from_voxel, margin}, side, out, num_threads);
}
