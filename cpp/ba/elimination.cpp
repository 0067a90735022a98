// SPDX-License-Identifier: Apache-2.0
#include "ba/elimination.h"

#include <Eigen/OrderingMethods>
#include <Eigen/SparseCore>
#include <algorithm>

#include "core/interrupt.h"

namespace fastcv::ba {
namespace {

using Ints = Elimination::Ints;
using Graph = std::vector<Ints>;

// Which nodes meet in a block of the matrix.
Graph meeting_nodes(const SchurMatrix& matrix, const Unknowns& unknowns) {
  const auto nodes_of = [&](std::int64_t image) {
    Ints nodes;
    for (int c = 0; c < unknowns.width(); ++c) {
      const std::int32_t unknown = unknowns.of_image(image)[c];
      if (unknown >= 0) nodes.push_back(unknowns.node_of(unknown));
    }
    std::sort(nodes.begin(), nodes.end());
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    return nodes;
  };
  std::vector<Ints> nodes(matrix.num_images());
  for (std::int64_t i = 0; i < matrix.num_images(); ++i) nodes[i] = nodes_of(i);
  Graph graph(unknowns.num_nodes());
  for (std::int64_t i = 0; i < matrix.num_images(); ++i) {
    poll_interrupt();
    for (std::int64_t b = matrix.row_begin(i); b < matrix.row_begin(i + 1); ++b) {
      for (const std::int32_t u : nodes[i]) {
        for (const std::int32_t v : nodes[matrix.column(b)]) {
          if (u == v) continue;
          graph[u].push_back(v);
          graph[v].push_back(u);
        }
      }
    }
    for (const std::int32_t u : nodes[i]) {  // keeps the lists short where many images share a camera
      if (graph[u].size() < 4096) continue;
      std::sort(graph[u].begin(), graph[u].end());
      graph[u].erase(std::unique(graph[u].begin(), graph[u].end()), graph[u].end());
    }
  }
  for (Ints& list : graph) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }
  return graph;
}

// Of the factor: those of one triangle of the matrix, without its diagonal blocks.
std::int64_t fewest_entries(const Graph& graph, const Unknowns& unknowns) {
  std::int64_t entries = 0;
  for (std::size_t u = 0; u < graph.size(); ++u) {
    for (const std::int32_t v : graph[u]) entries += std::int64_t(unknowns.node_size(u)) * unknowns.node_size(v);
  }
  return entries / 2;
}

// Approximate minimum degree. Returns the node at each place of the order.
Ints minimum_degree(const Graph& graph) {
  const auto size = static_cast<Eigen::Index>(graph.size());
  std::vector<Eigen::Triplet<float, int>> entries;
  for (Eigen::Index u = 0; u < size; ++u) {
    entries.emplace_back(u, u, 1.F);
    for (const std::int32_t v : graph[u]) entries.emplace_back(u, v, 1.F);
  }
  Eigen::SparseMatrix<float, Eigen::ColMajor, int> pattern(size, size);
  pattern.setFromTriplets(entries.begin(), entries.end());
  poll_interrupt();
  // Nothing interrupts the ordering itself, which is quick enough up to where a factor is refused: 5 ms of a core for
  // cities of 2000 images, 32 ms for 10 000, 0.24 s for 50 000; 0.36 s where 3000 all meet, which is refused before.
  Eigen::PermutationMatrix<Eigen::Dynamic, Eigen::Dynamic, int> order;
  Eigen::AMDOrdering<int>()(pattern, order);
  return Ints(order.indices().data(), order.indices().data() + size);
}

Ints inverse(const Ints& order) {
  Ints position(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) position[order[i]] = static_cast<std::int32_t>(i);
  return position;
}

// The elimination tree. Source: Liu 1990, "The role of elimination trees in sparse factorization".
Ints elimination_tree(const Graph& graph, const Ints& order, const Ints& position) {
  Ints parent(order.size(), -1), ancestor(order.size(), -1);
  for (std::int32_t j = 0; j < static_cast<std::int32_t>(order.size()); ++j) {
    for (const std::int32_t neighbour : graph[order[j]]) {
      for (std::int32_t i = position[neighbour]; i >= 0 && i < j;) {
        const std::int32_t next = ancestor[i];
        ancestor[i] = j;
        if (next < 0) parent[i] = j;
        i = next;
      }
    }
  }
  return parent;
}

// The same tree with every subtree in consecutive places: the new order of the old places.
Ints postorder(const Ints& parent) {
  const auto size = static_cast<std::int32_t>(parent.size());
  std::vector<Ints> children(size);
  for (std::int32_t j = 0; j < size; ++j) {
    if (parent[j] >= 0) children[parent[j]].push_back(j);
  }
  Ints order;
  std::vector<std::pair<std::int32_t, std::size_t>> stack;
  for (std::int32_t root = 0; root < size; ++root) {
    if (parent[root] >= 0) continue;
    stack.emplace_back(root, 0);
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      if (next < children[node].size()) {
        const std::int32_t child = children[node][next++];
        stack.emplace_back(child, 0);
      } else {
        order.push_back(node);
        stack.pop_back();
      }
    }
  }
  return order;
}

}  // namespace

Elimination::Elimination(const SchurMatrix& matrix, const Unknowns& unknowns, std::int64_t most_entries) {
  const Graph graph = meeting_nodes(matrix, unknowns);
  feasible = fewest_entries(graph, unknowns) <= most_entries;
  if (!feasible) return;
  node_at = minimum_degree(graph);
  const Ints tree_order = postorder(elimination_tree(graph, node_at, inverse(node_at)));
  Ints order(node_at.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = node_at[tree_order[i]];
  node_at = order;
  position = inverse(node_at);
  parent = elimination_tree(graph, node_at, position);

  // Rows below each column: the graph's, and those that its children hand on.
  below.resize(size());
  Ints mark(size(), -1);
  std::int64_t entries = 0;
  for (std::int32_t j = 0; j < size() && feasible; ++j) {
    poll_interrupt();
    Ints rows;
    const auto add = [&](std::int32_t i) {
      if (i <= j || mark[i] == j) return;
      mark[i] = j;
      rows.push_back(i);
    };
    for (const std::int32_t i : below[j]) add(i);
    for (const std::int32_t neighbour : graph[node_at[j]]) add(position[neighbour]);
    std::sort(rows.begin(), rows.end());
    if (parent[j] >= 0) below[parent[j]].insert(below[parent[j]].end(), rows.begin(), rows.end());
    std::int64_t count = unknowns.node_size(node_at[j]);
    for (const std::int32_t i : rows) count += unknowns.node_size(node_at[i]);
    entries += count * unknowns.node_size(node_at[j]);
    feasible = entries <= most_entries;
    below[j] = std::move(rows);
  }
}

}  // namespace fastcv::ba
