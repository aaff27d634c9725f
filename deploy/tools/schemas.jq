# JSON schemas for kubeconform, from Kubernetes' OpenAPI document or from a custom resource definition. Strict: a field
# that the schema does not have is an error. Output: {"definitions": …, "kinds": {"FILE": "DEFINITION"}}.

def strict:
  if type != "object" then .
  elif .format == "int-or-string" or ."x-kubernetes-int-or-string" then {type: ["integer", "string"]}
  else
    (if has("properties") then .properties |= map_values(strict) | .additionalProperties = false else . end)
    | (if has("items") then .items |= strict else . end)
    | (if (.additionalProperties | type) == "object" then .additionalProperties |= strict else . end)
    | (if ."x-kubernetes-preserve-unknown-fields" then del(.additionalProperties) else . end)
  end;

# The name that kubeconform looks for, such as deployment-apps-v1.
def file(group; version; kind):
  [kind, (group | split(".")[0] | select(. != null and . != "")), version] | map(ascii_downcase) | join("-");

if .kind == "CustomResourceDefinition" then
  .spec as $spec
  | [$spec.versions[] | {key: file($spec.group; .name; $spec.names.kind), value: (.schema.openAPIV3Schema | strict)}]
  | {definitions: from_entries, kinds: map({key, value: .key}) | from_entries}
else
  {
    definitions: (
      .definitions
      | map_values(strict)
      | ."io.k8s.apimachinery.pkg.api.resource.Quantity" = {type: ["string", "number"]}
    ),
    kinds: (
      [.definitions | to_entries[] | .key as $definition
        | .value."x-kubernetes-group-version-kind" // [] | select(length == 1) | .[0]
        | {key: file(.group; .version; .kind), value: $definition}]
      | from_entries
    )
  }
end
