// SPDX-License-Identifier: Apache-2.0
// The bindings of volume rendering, for the CPU and for CUDA. `Run` has the functions, an argument of what they run on
// (Execution, its name kExecution, as the functions take it: on) and a Guard of the device.
#pragma once

#include <optional>

#include <nanobind/stl/optional.h>

#include "bindings/arrays.h"
#include "nerf/ray_weights.h"
#include "nerf/render.h"

namespace fastcv::bindings {

template <class T, int Rank>
using OptionalArg = std::optional<ViewArg<T, Rank>>;
template <class Array>
auto* data_or_null(const std::optional<Array>& array) {
  return array ? array->data() : nullptr;
}
using Offsets = ViewArg<const std::int64_t, 1>;

template <class T>
nerf::RenderSamples<T> render_samples(const ViewArg<const T, 1>& densities, const ViewArg<const T, 1>& starts,
                                      const ViewArg<const T, 1>& ends, const Offsets& offsets,
                                      const OptionalArg<const T, 2>& colors, const OptionalArg<const T, 2>& backgrounds,
                                      double early_stop) {
  return {densities.data(),
          starts.data(),
          ends.data(),
          data_or_null(colors),
          data_or_null(backgrounds),
          offsets.data(),
          static_cast<std::int64_t>(offsets.shape(0)) - 1,
          static_cast<std::int64_t>(densities.shape(0)),
          colors ? static_cast<std::int64_t>(colors->shape(1)) : 0,
          static_cast<T>(early_stop)};
}

template <class T>
nerf::WeightedSamples<T> weighted_samples(const ViewArg<const T, 1>& weights, const ViewArg<const T, 1>& starts,
                                          const ViewArg<const T, 1>& ends, const Offsets& offsets) {
  return {weights.data(),
          starts.data(),
          ends.data(),
          offsets.data(),
          static_cast<std::int64_t>(offsets.shape(0)) - 1,
          static_cast<std::int64_t>(weights.shape(0))};
}

template <class Run, class T>
void bind_render(nb::module_& m) {
  using In1 = ViewArg<const T, 1>;
  using In2 = OptionalArg<const T, 2>;
  using Out1 = OptionalArg<T, 1>;
  using Out2 = OptionalArg<T, 2>;
  m.def(
      "render",
      [](In1 densities, In1 starts, In1 ends, Offsets offsets, In2 colors, In2 backgrounds, double early_stop,
         Out2 out_colors, ViewArg<T, 1> depths, ViewArg<T, 1> opacities, ViewArg<T, 1> weights,
         typename Run::Execution execution) {
        const typename Run::Guard guard(densities.device_id());
        const auto samples = render_samples<T>(densities, starts, ends, offsets, colors, backgrounds, early_stop);
        const nerf::RenderedRays<T> out{data_or_null(out_colors), depths.data(), opacities.data(), weights.data()};
        const nb::gil_scoped_release release;
        Run::template render<T>(samples, out, Run::on(execution));
      },
      array("densities"), array("starts"), array("ends"), array("offsets"), array("colors").none(),
      array("backgrounds").none(), nb::arg("early_stop"), array("out_colors").none(), array("depths"),
      array("opacities"), array("weights"), nb::arg(Run::kExecution));
  m.def(
      "render_vjp",
      [](In1 densities, In1 starts, In1 ends, Offsets offsets, In2 colors, In2 backgrounds, double early_stop,
         In1 depths, In1 opacities, In1 weights, In2 by_colors, OptionalArg<const T, 1> by_depths,
         OptionalArg<const T, 1> by_opacities, OptionalArg<const T, 1> by_weights, ViewArg<T, 1> out_densities,
         Out1 out_starts, Out1 out_ends, Out2 out_colors, Out2 out_backgrounds, typename Run::Execution execution) {
        const typename Run::Guard guard(densities.device_id());
        const auto samples = render_samples<T>(densities, starts, ends, offsets, colors, backgrounds, early_stop);
        const nerf::RenderedRays<const T> rendered{nullptr, depths.data(), opacities.data(), weights.data()};
        const nerf::RenderedGrads<T> grads{data_or_null(by_colors), data_or_null(by_depths), data_or_null(by_opacities),
                                           data_or_null(by_weights)};
        const nerf::SampleGrads<T> out{out_densities.data(), data_or_null(out_starts), data_or_null(out_ends),
                                       data_or_null(out_colors), data_or_null(out_backgrounds)};
        const nb::gil_scoped_release release;
        Run::template render_vjp<T>(samples, rendered, grads, out, Run::on(execution));
      },
      array("densities"), array("starts"), array("ends"), array("offsets"), array("colors").none(),
      array("backgrounds").none(), nb::arg("early_stop"), array("depths"), array("opacities"), array("weights"),
      array("by_colors").none(), array("by_depths").none(), array("by_opacities").none(), array("by_weights").none(),
      array("out_densities"), array("out_starts").none(), array("out_ends").none(), array("out_colors").none(),
      array("out_backgrounds").none(), nb::arg(Run::kExecution));
}

template <class Run, class T>
void bind_ray_weights(nb::module_& m) {
  using In = ViewArg<const T, 1>;
  using Out = ViewArg<T, 1>;
  const auto bind_one = [&](const char* name, auto run) {
    m.def(
        name,
        [run](In weights, In starts, In ends, Offsets offsets, Out out, typename Run::Execution execution) {
          const typename Run::Guard guard(weights.device_id());
          const auto samples = weighted_samples<T>(weights, starts, ends, offsets);
          const nb::gil_scoped_release release;
          run(samples, out.data(), Run::on(execution));
        },
        array("weights"), array("starts"), array("ends"), array("offsets"), array("out"), nb::arg(Run::kExecution));
  };
  bind_one("distortion", Run::template distortion<T>);
  bind_one("median_depth", Run::template median_depth<T>);
  m.def(
      "distortion_vjp",
      [](In weights, In starts, In ends, Offsets offsets, In grad, Out by_weights, OptionalArg<T, 1> by_starts,
         OptionalArg<T, 1> by_ends, typename Run::Execution execution) {
        const typename Run::Guard guard(weights.device_id());
        const auto samples = weighted_samples<T>(weights, starts, ends, offsets);
        const nb::gil_scoped_release release;
        Run::template distortion_vjp<T>(samples, grad.data(), by_weights.data(), data_or_null(by_starts),
                                        data_or_null(by_ends), Run::on(execution));
      },
      array("weights"), array("starts"), array("ends"), array("offsets"), array("grad"), array("by_weights"),
      array("by_starts").none(), array("by_ends").none(), nb::arg(Run::kExecution));
}

template <class Run>
void bind_random_background(nb::module_& m) {
  m.def(
      "random_background",
      [](std::uint64_t seed, std::int64_t first, ViewArg<float, 2> out, typename Run::Execution execution) {
        const typename Run::Guard guard(out.device_id());
        const auto rays = static_cast<std::int64_t>(out.shape(0)), channels = static_cast<std::int64_t>(out.shape(1));
        const nb::gil_scoped_release release;
        Run::random_background(seed, first, rays, channels, out.data(), Run::on(execution));
      },
      nb::arg("seed"), nb::arg("first"), array("out"), nb::arg(Run::kExecution));
}

template <class Run>
void bind_all_render(nb::module_& m) {
  bind_render<Run, float>(m);
  bind_render<Run, double>(m);
  bind_ray_weights<Run, float>(m);
  bind_ray_weights<Run, double>(m);
  bind_random_background<Run>(m);
}

}  // namespace fastcv::bindings
