// SPDX-License-Identifier: Apache-2.0
// Soft carving over rows of voxels, compiled once per instruction set: view by view over a part of a row, so that a
// view's pixels stay in the cache.
#include "voxels/soft_voxel.hd.h"
// The declarations come after what they mention.
#include "voxels/carve_soft.leaf.h"

namespace fastcv::FASTCV_ISA::voxels {
namespace {

using namespace fastcv::voxels;

constexpr std::int64_t kPart = 64;  // voxels along x
static_assert(kPart % kDoubles == 0);

// A part of a row, from the centre of its first voxel on.
struct Part {
  double x, y, z;
  std::int64_t first, count;  // of voxels in raster order
};

// Calls run(part) for the parts of rows [begin, end).
template <class T, class Run>
void for_each_part(const SoftCarving<T>& c, std::int64_t begin, std::int64_t end, const Run& run) {
  const std::int64_t width = c.shape[2];
  for (std::int64_t row = begin; row < end; ++row) {
    const double y = double(row % c.shape[1]) + 0.5, z = double(row / c.shape[1]) + 0.5;
    for (std::int64_t x = 0; x < width; x += kPart) {
      run(Part{double(x) + 0.5, y, z, row * width + x, x + kPart < width ? kPart : width - x});
    }
  }
}

template <class T>
Sample<Doubles> sample_at(const SoftCarving<T>& c, const Frame& f, std::int64_t view, const Part& part,
                          std::int64_t x) {
  const T* mask = c.masks + c.layout[view * kSoftLayout + 2];
  return sample<Doubles>(f, mask, position<Doubles, kDoubles>(f, part.x + double(x), part.y, part.z, 0));
}

// The odds of a part's voxels, kDoubles at a time, to write(x, odds).
template <class T, class Write>
void odds_of(const SoftCarving<T>& c, const Part& part, const Write& write) {
  const Likelihoods likelihoods(c.sensor);
  Odds<Doubles> odds[kPart / kDoubles];
  for (auto& o : odds) o = even_odds<Doubles>();
  for (std::int64_t view = 0; view < c.count; ++view) {
    const Frame f = soft_frame(c, view);
    const bool scale = view % kViewsBetweenScalings == kViewsBetweenScalings - 1;
    for (std::int64_t x = 0; x < part.count; x += kDoubles) {
      Odds<Doubles>& o = odds[x / kDoubles];
      o.add(likelihoods, sample_at(c, f, view, part, x), c.sensor.outside_violates);
      if (scale) o.scale();
    }
  }
  for (std::int64_t x = 0; x < part.count; x += kDoubles) write(x, odds[x / kDoubles].ratio(c.sensor.prior_odds));
}

template <class T>
void carve(const SoftCarving<T>& c, std::int64_t begin, std::int64_t end, T* out) {
  for_each_part(c, begin, end, [&](const Part& part) {
    odds_of(c, part, [&](std::int64_t x, Doubles odds) {
      const Doubles p = probability(odds);
      for (std::int64_t i = x; i < part.count && i < x + kDoubles; ++i) out[part.first + i] = static_cast<T>(p[i - x]);
    });
  });
}

template <class T>
void weigh(const SoftCarving<T>& c, std::int64_t begin, std::int64_t end, const T* grad, T* weights) {
  for_each_part(c, begin, end, [&](const Part& part) {
    odds_of(c, part, [&](std::int64_t x, Doubles odds) {
      const Doubles slope = probability_slope(odds);
      for (std::int64_t i = x; i < part.count && i < x + kDoubles; ++i) {
        weights[part.first + i] = static_cast<T>(double(grad[part.first + i]) * slope[i - x]);
      }
    });
  });
}

template <class T>
void scatter(const SoftCarving<T>& c, std::int64_t view, std::int64_t begin, std::int64_t end, const T* weights,
             double* sums) {
  const Likelihoods likelihoods(c.sensor);
  const Frame f = soft_frame(c, view);
  for_each_part(c, begin, end, [&](const Part& part) {
    for (std::int64_t x = 0; x < part.count; x += kDoubles) {
      Doubles weight{};
      for (std::int64_t i = x; i < part.count && i < x + kDoubles; ++i) weight[i - x] = double(weights[part.first + i]);
      if (bits_set(keep_if(weight != 0, DoublesInt{} + 1)) == 0) continue;
      const Sample<Doubles> s = sample_at(c, f, view, part, x);
      const Doubles g = keep_if(s.seen, weight * likelihoods.slope(s.value));
      const Doubles top = (1 - s.y) * g, bottom = s.y * g;
      const Doubles a = (1 - s.x) * top, b = s.x * top, below = (1 - s.x) * bottom, d = s.x * bottom;
      for (int i = 0; i < kDoubles; ++i) {
        double* pixel = sums + s.first[i];
        pixel[0] += a[i];
        pixel[s.right[i]] += b[i];
        pixel[s.down[i]] += below[i];
        pixel[s.down[i] + s.right[i]] += d[i];
      }
    }
  });
}

}  // namespace

void carve_soft(const SoftCarving<float>& carving, std::int64_t begin, std::int64_t end, float* out) {
  carve(carving, begin, end, out);
}
void carve_soft(const SoftCarving<double>& carving, std::int64_t begin, std::int64_t end, double* out) {
  carve(carving, begin, end, out);
}
void weigh_soft(const SoftCarving<float>& carving, std::int64_t begin, std::int64_t end, const float* grad,
                float* weights) {
  weigh(carving, begin, end, grad, weights);
}
void weigh_soft(const SoftCarving<double>& carving, std::int64_t begin, std::int64_t end, const double* grad,
                double* weights) {
  weigh(carving, begin, end, grad, weights);
}
void scatter_soft(const SoftCarving<float>& carving, std::int64_t view, std::int64_t begin, std::int64_t end,
                  const float* weights, double* sums) {
  scatter(carving, view, begin, end, weights, sums);
}
void scatter_soft(const SoftCarving<double>& carving, std::int64_t view, std::int64_t begin, std::int64_t end,
                  const double* weights, double* sums) {
  scatter(carving, view, begin, end, weights, sums);
}

}  // namespace fastcv::FASTCV_ISA::voxels
