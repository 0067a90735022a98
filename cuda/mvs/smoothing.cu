// SPDX-License-Identifier: Apache-2.0
// Semi-global smoothing on a GPU: levels pixel by pixel, then the paths of one direction after the other.
#include "cuda/mvs/smoothing.h"

#include <algorithm>

#include "cuda/core/launch.cuh"
#include "cuda/mvs/device_hypotheses.h"
#include "cuda/mvs/follow_paths.cuh"
#include "cuda/mvs/stream_buffer.h"
#include "mvs/smooth_volume.hd.h"

namespace fastcv::cuda::mvs {
namespace {

class DeviceVolume {
 public:
  DeviceVolume(std::int64_t height, std::int64_t width, std::int64_t num, cudaStream_t stream)
      : bytes_(3 * height * width * num, stream) {
    const auto view = [&](int k) {
      return View<std::uint8_t, 3>{bytes_.get() + k * height * width * num, {height, width, num}};
    };
    volume_ = {view(0), {view(1), view(2)}};
  }
  const gpu::SmoothVolume& get() const { return volume_; }

  // Once the levels are there.
  void follow(const Smoothing& smoothing, cudaStream_t stream) const {
    const View<std::uint8_t, 3>& levels = volume_.levels;
    const View<const std::uint8_t, 3> costs{levels.data, {levels.shape[0], levels.shape[1], levels.shape[2]}};
    for (int side = 0; side < 2; ++side) {
      for (int k = 0; k < 4; ++k) {
        follow_paths(costs, volume_.sums[side], smoothing.p1, smoothing.p2, gpu::kSmoothPaths[side][k], k == 0, stream);
      }
    }
  }

 private:
  StreamBuffer<std::uint8_t> bytes_;
  gpu::SmoothVolume volume_;
};

}  // namespace

void estimate_smooth_depth(const Sweep& sweep, const Smoothing& smoothing, const DepthMap& out, cudaStream_t stream) {
  constexpr std::int64_t kChunk = 32;  // surfaces whose costs are held as floats
  const std::int64_t height = sweep.reference.height, width = sweep.reference.width, num = sweep.hypotheses.num;
  const DeviceVolume volume(height, width, num, stream);
  const StreamBuffer<float> costs(std::min(kChunk, num) * height * width, stream);
  for (std::int64_t first = 0; first < num; first += kChunk) {
    Sweep part = sweep;
    part.hypotheses.planes += 3 * first;
    part.hypotheses.num = std::min(kChunk, num - first);
    const std::int64_t shape[3] = {part.hypotheses.num, height, width};
    plane_sweep(part, {{costs.get(), {shape[0], shape[1], shape[2]}}, {}}, stream);
    const gpu::LevelOfCost levels{{costs.get(), {shape[0], shape[1], shape[2]}},
                                  gpu::levels_per_cost(smoothing.max_cost),
                                  volume.get().levels,
                                  first};
    for_each(shape[0] * height * width, levels, stream);
  }
  volume.follow(smoothing, stream);
  const DeviceHypotheses hypotheses(sweep.hypotheses, stream);
  Sweep on_device = sweep;
  on_device.hypotheses = hypotheses.get();
  for_each(height * width, gpu::SmoothWinner{on_device, volume.get(), gpu::cost_per_total(smoothing.max_cost), out},
           stream);
}

void smooth_costs(View<const float, 3> costs, const Smoothing& smoothing, View<float, 3> out, cudaStream_t stream) {
  const DeviceVolume volume(costs.shape[1], costs.shape[2], costs.shape[0], stream);
  for_each(costs.size(), gpu::LevelOfCost{costs, gpu::levels_per_cost(smoothing.max_cost), volume.get().levels, 0},
           stream);
  volume.follow(smoothing, stream);
  for_each(costs.size(), gpu::CostOfTotal{volume.get(), gpu::cost_per_total(smoothing.max_cost), out}, stream);
}

}  // namespace fastcv::cuda::mvs
