# JSON schemas for kubeconform, from Kubernetes' OpenAPI document. Strict: a field that the schema does not have is an error.
# Output: {"definitions": …, "kinds": {"FILE": "DEFINITION"}}.

def strict:
  if type != "object" then .
  elif .format == "int-or-string" then {type: ["integer", "string"]}
  else
    (if has("properties") then .properties |= map_values(strict) | .additionalProperties = false else . end)
    | (if has("items") then .items |= strict else . end)
    | (if (.additionalProperties | type) == "object" then .additionalProperties |= strict else . end)
  end;

# The name that kubeconform looks for, such as deployment-apps-v1.
def file(group; version; kind):
  [kind, (group | split(".")[0] | select(. != null and . != "")), version] | map(ascii_downcase) | join("-");

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
