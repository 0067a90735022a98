// SPDX-License-Identifier: Apache-2.0
// Arguments of the encodings without parameters. Shared by the CPU and CUDA bindings.
#pragma once

#include <algorithm>
#include <optional>
#include <stdexcept>

#include <nanobind/stl/optional.h>

#include "bindings/arrays.h"
#include "nerf/frequency.h"
#include "nerf/spherical_harmonics.h"

namespace fastcv::bindings {

template <class P>
using EncodingTangents = std::optional<ViewArg<const P, 2>>;

template <class P>
const P* tangents_or_null(const EncodingTangents<P>& tangents) {
  return tangents ? tangents->data() : nullptr;
}

// A weight for every octave.
template <class P>
nerf::FrequencyBands frequency_bands(const HostVector<double>& weights, bool include_input,
                                     const ViewArg<const P, 2>& points) {
  if (weights.shape(0) > std::size_t(nerf::kMaxFrequencies)) {
    throw std::invalid_argument("weights: expected at most 32, got more");
  }
  nerf::FrequencyBands bands{static_cast<int>(points.shape(1)), static_cast<int>(weights.shape(0)), include_input, {}};
  std::copy_n(weights.data(), weights.shape(0), bands.weights);
  return bands;
}

}  // namespace fastcv::bindings
