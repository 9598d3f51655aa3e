// Package importwso2 reads what WSO2 API Manager and Identity Server say in XML about identity providers and service
// providers, and makes of it the objects that do the same here.
//
// It never loses anything silently: every element of a file is in the report, as carried over, changed, lost or without
// effect, with the reason. It never guesses: a secret that may be a hash or a cipher text is not taken for a secret, an
// element that stands twice refuses the file. What it writes has passed the schemas and rules of the kinds. It reads no
// entity, no document type and nothing outside of the file, and its report holds nothing of the values but names of grant types.
package importwso2
