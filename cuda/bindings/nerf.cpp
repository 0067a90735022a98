// SPDX-License-Identifier: Apache-2.0
// fastcv._cuda.nerf: the names and arguments of fastcv._core.nerf, a stream in place of num_threads.
#include "cuda/bindings/arrays.h"
// Comes after the device has been chosen.
#include "bindings/nerf.h"
#include "cuda/nerf/hash_grid.h"

namespace fastcv::bindings {

void bind_nerf_adam(nb::module_& m);
void bind_nerf_encodings(nb::module_& m);
void bind_nerf_march(nb::module_& m);
void bind_nerf_mlp(nb::module_& m);
void bind_nerf_rays(nb::module_& m);
void bind_nerf_render(nb::module_& m);
void bind_nerf_sampling(nb::module_& m);

namespace {

// The table comes first: an overload that takes a torch tensor's capsule for the points and then refuses the table
// would leave nothing to the next one.
template <class P, class T>
void bind_reads(nb::module_& m) {
  m.def(
      "hash_grid",
      [](const Grid& grid, ViewArg<const T, 2> table, ViewArg<const P, 2> points, const Tangents<P>& tangents,
         ViewArg<P, 2> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(points.device_id());
        const auto [g, p] = grid_points(grid, points, tangents);
        const nb::gil_scoped_release release;
        cuda::nerf::hash_grid(g, p, table.data(), out.data(), stream_from(stream));
      },
      array("grid"), array("table"), array("points"), array("tangents").none(), array("out"), nb::arg("stream"));
  m.def(
      "hash_grid_points_vjp",
      [](const Grid& grid, ViewArg<const T, 2> table, ViewArg<const P, 2> points, const Tangents<P>& tangents,
         ViewArg<const P, 2> grad, ViewArg<P, 2> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(points.device_id());
        const auto [g, p] = grid_points(grid, points, tangents);
        const nb::gil_scoped_release release;
        cuda::nerf::hash_grid_points_vjp(g, p, table.data(), grad.data(), out.data(), stream_from(stream));
      },
      array("grid"), array("table"), array("points"), array("tangents").none(), array("grad"), array("out"),
      nb::arg("stream"));
}

template <class P>
void bind_table_vjp(nb::module_& m) {
  m.def(
      "hash_grid_table_vjp",
      [](const Grid& grid, ViewArg<const P, 2> points, const Tangents<P>& tangents, ViewArg<const P, 2> grad,
         ViewArg<P, 2> out, bool accumulate, std::intptr_t stream) {
        const cuda::DeviceGuard guard(points.device_id());
        const auto [g, p] = grid_points(grid, points, tangents);
        const auto entries = static_cast<std::int64_t>(out.shape(0));
        const nb::gil_scoped_release release;
        cuda::nerf::hash_grid_table_vjp(g, p, grad.data(), out.data(), entries, accumulate, stream_from(stream));
      },
      array("grid"), array("points"), array("tangents").none(), array("grad"), array("out"), nb::arg("accumulate"),
      nb::arg("stream"));
}

}  // namespace

void bind_nerf(nb::module_& m) {
  bind_reads<float, float>(m);
  bind_reads<float, Half>(m);
  bind_reads<double, double>(m);
  bind_table_vjp<float>(m);
  bind_table_vjp<double>(m);
  bind_nerf_adam(m);
  bind_nerf_encodings(m);
  bind_nerf_march(m);
  bind_nerf_mlp(m);
  bind_nerf_rays(m);
  bind_nerf_render(m);
  bind_nerf_sampling(m);
}

}  // namespace fastcv::bindings
