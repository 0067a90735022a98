// SPDX-License-Identifier: Apache-2.0
// fastcv._core.nerf
#include "bindings/nerf.h"
#include "bindings/arrays.h"
#include "nerf/hash_grid.h"

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
         ViewArg<P, 2> out, int num_threads) {
        const auto [g, p] = grid_points(grid, points, tangents);
        const nb::gil_scoped_release release;
        nerf::hash_grid(g, p, table.data(), out.data(), num_threads);
      },
      array("grid"), array("table"), array("points"), array("tangents").none(), array("out"), nb::arg("num_threads"));
  m.def(
      "hash_grid_points_vjp",
      [](const Grid& grid, ViewArg<const T, 2> table, ViewArg<const P, 2> points, const Tangents<P>& tangents,
         ViewArg<const P, 2> grad, ViewArg<P, 2> out, int num_threads) {
        const auto [g, p] = grid_points(grid, points, tangents);
        const nb::gil_scoped_release release;
        nerf::hash_grid_points_vjp(g, p, table.data(), grad.data(), out.data(), num_threads);
      },
      array("grid"), array("table"), array("points"), array("tangents").none(), array("grad"), array("out"),
      nb::arg("num_threads"));
}

template <class P>
void bind_table_vjp(nb::module_& m) {
  m.def(
      "hash_grid_table_vjp",
      [](const Grid& grid, ViewArg<const P, 2> points, const Tangents<P>& tangents, ViewArg<const P, 2> grad,
         ViewArg<P, 2> out, bool accumulate, int num_threads) {
        const auto [g, p] = grid_points(grid, points, tangents);
        const auto entries = static_cast<std::int64_t>(out.shape(0));
        const nb::gil_scoped_release release;
        nerf::hash_grid_table_vjp(g, p, grad.data(), out.data(), entries, accumulate, num_threads);
      },
      array("grid"), array("points"), array("tangents").none(), array("grad"), array("out"), nb::arg("accumulate"),
      nb::arg("num_threads"));
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
