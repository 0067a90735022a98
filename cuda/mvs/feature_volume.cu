// SPDX-License-Identifier: Apache-2.0
// Volumes of features, one thread a value. Gradients of sources are sums over threads in no order; as integers they are
// the same in any.
#include "cuda/core/fixed_point.cuh"
#include "cuda/core/launch.cuh"
#include "cuda/mvs/feature_volume.h"
#include "mvs/feature_pixel.hd.h"

namespace fastcv::cuda::mvs {
namespace {

using fastcv::mvs::FeatureReduce;
using fastcv::mvs::kMaxFeatureSources;

// How sums of floats become sums of integers: by a power of two such that no sum overflows. To a source's pixel and
// channel, every voxel adds at most 2 |grad| |feature|; the largest of those are known to the device alone. NaN where
// they are not finite.
struct FixedUnits {
  const unsigned *max_grad, *max_feature;
  double voxels;
  double* units;

  __device__ void operator()(std::int64_t) const {
    const double bound = 2.0 * voxels * __uint_as_float(*max_grad) * __uint_as_float(*max_feature);
    *units = fixed_unit(bound);
  }
};

struct AddFixed {
  unsigned long long* sums[kMaxFeatureSources];
  const double* units;
  __device__ void operator()(int k, std::int64_t offset, float value) const {
    atomicAdd(sums[k] + offset, to_fixed(value, *units));
  }
};

// Element i of (channels, height, width) from the packed sums.
struct FromFixed {
  const unsigned long long* sums;
  const double* units;
  ChannelLayout layout;
  View<float, 3> out;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t pixels = out.shape[1] * out.shape[2], channel = i / pixels, pixel = i % pixels;
    const std::int64_t packed = channel / layout.group_size * layout.packed_group_size + channel % layout.group_size;
    const std::int64_t at = pixel / out.shape[2] * (out.shape[2] + 1) + pixel % out.shape[2];
    out.data[i] = static_cast<float>(from_fixed(sums[at * layout.packed + packed], *units));
  }
};

std::int64_t packed_size(const FeatureSweep& s, const fastcv::mvs::PackedFeatures& f) {
  return (f.height + std::int64_t(1)) * (f.width + 1) * s.channels.packed;
}

template <FeatureReduce Reduce>
void vjp(const FeatureSweep& s, View<const float, 4> grad, View<float, 3> grad_reference,
         const View<float, 3>* grad_sources, cudaStream_t stream) {
  const Zeros<unsigned> largest(2, stream);
  max_magnitude(grad.data, grad.size(), largest.get(), stream);
  max_magnitude(s.reference.data, packed_size(s, s.reference), largest.get() + 1, stream);
  std::int64_t total = 0, offsets[kMaxFeatureSources];
  for (int k = 0; k < s.num_sources; ++k) {
    offsets[k] = total;
    total += packed_size(s, s.sources[k].features);
    max_magnitude(s.sources[k].features.data, packed_size(s, s.sources[k].features), largest.get() + 1, stream);
  }
  const Zeros<unsigned long long> sums(total, stream);
  const double voxels = static_cast<double>(grad.shape[0] * grad.shape[1] * grad.shape[2]);
  const Zeros<double> units(1, stream);
  for_each(1, FixedUnits{largest.get(), largest.get() + 1, voxels, units.get()}, stream);
  AddFixed add{{}, units.get()};
  for (int k = 0; k < s.num_sources; ++k) add.sums[k] = sums.get() + offsets[k];
  for_each(grad_reference.size(), gpu::FeatureVolumeVjpOne<Reduce, AddFixed>{s, grad, grad_reference, add}, stream);
  for (int k = 0; k < s.num_sources; ++k) {
    for_each(grad_sources[k].size(), FromFixed{add.sums[k], add.units, s.channels, grad_sources[k]}, stream);
  }
}

}  // namespace

void pack_features(View<const float, 3> features, const ChannelLayout& layout, View<float, 3> out,
                   cudaStream_t stream) {
  for_each(out.size(), gpu::PackFeaturesOne{features, layout, out.data}, stream);
}

void feature_volume(const FeatureSweep& s, View<float, 4> out, View<std::uint8_t, 3> num_seen, cudaStream_t stream) {
  if (s.reduce == FeatureReduce::variance) {
    for_each(out.size(), gpu::FeatureVolumeOne<FeatureReduce::variance>{s, out, num_seen}, stream);
  } else {
    for_each(out.size(), gpu::FeatureVolumeOne<FeatureReduce::correlation>{s, out, num_seen}, stream);
  }
}

void feature_volume_vjp(const FeatureSweep& s, View<const float, 4> grad, View<float, 3> grad_reference,
                        const View<float, 3>* grad_sources, cudaStream_t stream) {
  const auto run = s.reduce == FeatureReduce::variance ? vjp<FeatureReduce::variance> : vjp<FeatureReduce::correlation>;
  run(s, grad, grad_reference, grad_sources, stream);
}

void feature_volume_depth_vjp(const FeatureSweep& s, View<const float, 4> grad, View<float, 3> grad_depths,
                              cudaStream_t stream) {
  if (s.reduce == FeatureReduce::variance) {
    for_each(grad_depths.size(), gpu::FeatureVolumeDepthVjpOne<FeatureReduce::variance>{s, grad, grad_depths}, stream);
  } else {
    for_each(grad_depths.size(), gpu::FeatureVolumeDepthVjpOne<FeatureReduce::correlation>{s, grad, grad_depths},
             stream);
  }
}

}  // namespace fastcv::cuda::mvs
